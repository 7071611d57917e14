import { Api, type RunRow, type SeriesAnswer, type State } from "../client/api";
import { Backoff } from "../client/backoff";
import { ApiError } from "../client/errors";
import { getJson } from "../client/http";
import { Curves } from "./data/curves";
import { Soon } from "./soon";
import { Topics } from "./topics";

/** Points a curve, and a metric of all runs: many runs share a chart. */
const [POINTS, MOST_POINTS, LEAST_POINTS] = [600, 12_000, 200];
/** A run that goes on is asked again at most so often. */
const AGAIN_MS = 2_000;
/** Fifty runs that come one after the other are drawn so often at most: each changes every chart. */
const TELL_MS = 400;

/** One of the runs that are compared. */
export interface Compared {
  run: string;
  state: State | null;
  curves: Curves;
  failure: string | null;
}

/**
 * Several runs side by side: their states and curves, asked for anew when the list says that there is more, and
 * somebody looks. What fails is asked for again, less and less often; not where that cannot help, until the list says
 * something else of the run.
 */
export class Comparison {
  readonly topics = new Topics<"runs">();
  readonly runs: Compared[];
  version = 0;
  #seen = new Map<string, number | null>();
  #busy = new Set<string>();
  #backoffs = new Map<string, Backoff>();
  #rows: readonly RunRow[] | null = null;
  #stopped = false;
  readonly #points: number;
  readonly #tell = new Soon(async () => this.topics.changed("runs"), TELL_MS);
  readonly #api: Api;

  constructor(base: string, runs: readonly string[]) {
    this.#api = new Api(base);
    this.#points = Math.max(LEAST_POINTS, Math.min(POINTS, Math.round(MOST_POINTS / runs.length)));
    this.runs = runs.map((run) => ({ run, state: null, curves: new Curves(), failure: null }));
    document.addEventListener("visibilitychange", this.#onSeen);
  }

  stop(): void {
    this.#stopped = true;
    document.removeEventListener("visibilitychange", this.#onSeen);
  }

  /** The list has changed: what went on is loaded, and what was not loaded yet. */
  see(rows: readonly RunRow[]): void {
    this.#rows = rows;
    if (document.hidden) return;
    for (const compared of this.runs) {
      const row = rows.find(({ run }) => run === compared.run);
      const updated = row?.updated ?? null;
      if (this.#busy.has(compared.run) || (this.#seen.has(compared.run) && this.#seen.get(compared.run) === updated)) continue;
      this.#seen.set(compared.run, updated);
      void this.#load(compared);
    }
  }

  async #load(compared: Compared): Promise<void> {
    const { run } = compared;
    const backoff = this.#backoffs.get(run) ?? new Backoff();
    this.#backoffs.set(run, backoff);
    this.#busy.add(run);
    let pause = AGAIN_MS;
    try {
      // Both at once: else the first curves stand behind the states of all runs in the browser's queue.
      const [state, series] = await Promise.all([
        getJson<State>(this.#api.run(run)), getJson<SeriesAnswer>(this.#api.series(run, { points: this.#points })),
      ]);
      compared.state = state;
      compared.curves.load(series, state.attempt);
      compared.curves.rewind(state.rewinds);
      compared.failure = null;
      backoff.reset();
    } catch (error) {
      compared.failure = error instanceof Error ? error.message : String(error);
      if (!(error instanceof ApiError && error.final)) this.#seen.delete(run);
      pause += backoff.next();
    }
    if (this.#stopped) return;
    this.version++;
    this.#tell.wish();
    setTimeout(() => {
      this.#busy.delete(run);
      if (!this.#stopped) this.topics.changed("runs");
    }, pause);
  }

  readonly #onSeen = (): void => {
    if (this.#rows) this.see(this.#rows);
  };
}
