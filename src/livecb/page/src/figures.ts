import { Api, type EventsAnswer } from "../client/api";
import { Backoff } from "../client/backoff";
import { ApiError } from "../client/errors";
import type { System } from "../client/generated/events";
import { getJson } from "../client/http";
import { Machine } from "./data/machine";
import type { Series } from "./data/series";
import { Kind } from "./kind";
import type { RunSession } from "./session";
import { pause } from "./streams/pause";

const PAGE = 5_000;
/** Figures that are asked for at most: of one process that says some every 5 s, four weeks, and 100 MB. */
export const MOST_FIGURES = 500_000;

const kept = new WeakMap<RunSession, Figures>();

/** What a run said of its machine: kept with the session, until its log is replaced. */
export function figuresOf(session: RunSession): Figures {
  let figures = kept.get(session);
  if (figures?.loads !== session.loads) kept.set(session, (figures = new Figures(session)));
  return figures;
}

/**
 * How the machine was used: read page by page while somebody looks, then as State tells it. Whoever looks again, or is
 * connected again, reads on from where the reading stood.
 */
export class Figures extends Kind {
  readonly machine = new Machine();
  readonly loads: number;
  #cursor = "0";
  #left = MOST_FIGURES;
  /** The connection up to which all is read: what State tells on a later one may not be the next. */
  #upTo = -1;

  constructor(private readonly session: RunSession) {
    super();
    this.loads = session.loads;
  }

  /** Whether there was more than is asked for: what lies between the first figures and those that came is missing. */
  get cut(): boolean {
    return this.#left <= 0;
  }

  override watch(): () => void {
    const leave = super.watch();
    return () => {
      leave();
      this.#upTo = -1;
    };
  }

  /** Take what State tells, once all before it is here. */
  see(system: System | null): void {
    if (system && this.#upTo === this.session.connects) this.machine.add(system, this.#beside);
  }

  protected async refresh(): Promise<void> {
    const backoff = new Backoff();
    while (this.watchers > 0 && this.#upTo !== this.session.connects) {
      const { connects } = this.session;
      try {
        if (this.cut) this.machine.skip();
        if (this.cut || (await this.#readPage())) this.#upTo = connects;
        backoff.reset();
      } catch (error) {
        if (error instanceof ApiError && error.final) this.#upTo = connects;
        else await pause(backoff.next());
      }
      this.session.topics.changed("state");
    }
  }

  /** Read a page; whether it was the last. One that holds few may be full of bytes. */
  async #readPage(): Promise<boolean> {
    const { base, run } = this.session;
    const query = { types: "system", cursor: this.#cursor, limit: PAGE };
    const { cursor, events } = await getJson<EventsAnswer>(new Api(base).events(run, query));
    const beside = this.#beside;
    for (const event of events) this.machine.add((typeof event === "string" ? JSON.parse(event) : event) as System, beside);
    const last = events.length === 0 || cursor === this.#cursor;
    this.#cursor = cursor;
    this.#left -= events.length;
    return last;
  }

  get #beside(): Series | null {
    let found: Series | null = null;
    for (const curve of this.session.curves.byName.values()) if (!found || curve.count > found.count) found = curve;
    return found;
  }
}
