import type { Candidate, LeaderboardPage } from "../client/api";
import { getJson } from "../client/http";
import { BoardNews } from "./data/board";
import { Rows } from "./data/rows";
import { Kind } from "./kind";

/** The whole leaderboard: asked for while somebody looks at it, and only what changed since. */
export class Board extends Kind {
  readonly news = new BoardNews();
  readonly #rows = new Rows();

  constructor(private readonly address: (query: Record<string, string>) => string, private readonly changed: () => void) {
    super();
  }

  get rows(): readonly Candidate[] | null {
    return this.#rows.all;
  }

  get count(): number {
    return this.#rows.count;
  }

  override expect(total: number): void {
    super.expect(total);
    this.total = total;
  }

  protected async refresh(): Promise<void> {
    const ask = async (): Promise<boolean> =>
      this.#rows.take(await getJson<LeaderboardPage>(this.address(this.#rows.mark ? { since: this.#rows.mark } : {})));
    if (!(await ask()) && !(await ask())) return;
    this.news.see(this.#rows.all ?? []);
    this.changed();
  }
}
