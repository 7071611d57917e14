import type { RunRow } from "../client/api";
import type { Link } from "../client/link";
import type { Message } from "../client/sse";
import { restWhileHidden } from "./hidden";
import { hubOf, type Followed } from "./streams/tab";
import { Topics } from "./topics";

/** The list as it was when somebody last looked at it: shown until the server answers, should it be away. */
const known = new Map<string, RunRow[]>();

/** The list of runs, newest first, kept up to date by the server. */
export class RunsSession {
  readonly topics = new Topics<"runs" | "link">();
  rows: RunRow[] = [];
  loaded = false;
  link: Link = { kind: "connecting", since: Date.now() };
  #skew = 0;
  #followed: Followed | null = null;
  #stopResting = (): void => undefined;

  constructor(private readonly base: string) {
    this.rows = known.get(base) ?? [];
    this.loaded = known.has(base);
  }

  get now(): number {
    return Date.now() / 1000 + this.#skew;
  }

  start(): void {
    this.#stopResting = restWhileHidden(() => !hubOf(this.base).shared, () => this.#rest(), () => this.#follow());
    this.#follow();
  }

  stop(): void {
    this.#stopResting();
    this.#followed?.stop();
  }

  retryNow(): void {
    this.#followed?.retryNow();
  }

  #follow(): void {
    this.#followed = hubOf(this.base).follow({ run: null, cursor: "0", query: { archived: "all" } }, {
      onMessage: (message) => this.#onMessage(message),
      onLink: (link) => {
        this.link = link;
        this.topics.changed("link");
      },
    });
  }

  #rest(): void {
    this.#followed?.stop();
    this.link = { kind: "resting", since: Date.now() };
    this.topics.changed("link");
  }

  #onMessage(message: Message): void {
    if (message.event === "list" || message.event === "runs") {
      const { runs, now } = JSON.parse(message.data) as { runs: RunRow[]; now: number };
      this.#skew = now - Date.now() / 1000;
      this.rows = message.event === "list" ? runs : merge(this.rows, runs);
      this.loaded = true;
    } else if (message.event === "gone") {
      const { run } = JSON.parse(message.data) as { run: string };
      this.rows = this.rows.filter((row) => row.run !== run);
    } else {
      return;
    }
    known.set(this.base, this.rows);
    this.topics.changed("runs");
  }
}

/** Put changed rows in the place of the old ones, and those that began last first, as the server does. */
export function merge(rows: readonly RunRow[], changed: readonly RunRow[]): RunRow[] {
  const byId = new Map([...rows, ...changed].map((row) => [row.run, row]));
  return [...byId.values()].sort((a, b) => (b.started ?? 0) - (a.started ?? 0) || (a.run < b.run ? 1 : -1));
}
