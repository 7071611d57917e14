import { Soon } from "./soon";

const REFRESH_MS = 400;

/** What a run said of one kind: asked for only while somebody looks. */
export abstract class Kind {
  total: number | null = null;
  protected watchers = 0;
  readonly #soon = new Soon(() => this.refresh(), REFRESH_MS);

  /** Keep it up to date until the returned function is called. */
  watch(): () => void {
    this.watchers++;
    this.#soon.wish();
    return () => void this.watchers--;
  }

  expect(total: number): void {
    if (total !== this.total) this.wish();
  }

  /** Ask what is new, if somebody looks. */
  wish(): void {
    if (this.watchers > 0) this.#soon.wish();
  }

  protected abstract refresh(): Promise<void>;
}
