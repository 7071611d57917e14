import type { MediaPage } from "../client/api";
import type { Audio, Histogram, Table } from "../client/generated/events";
import { getJson } from "../client/http";
import { Kind } from "./kind";

export type Other = Audio | Histogram | Table;
export type OtherType = Other["type"];

export const OTHERS: readonly OtherType[] = ["audio", "table", "histogram"];
/** So many of a histogram are drawn, spread over all that were said. */
const SPREAD = 160;
const PAGE = 12;

/** What is known of the sounds, the tables or the histograms of one name. */
export interface Named {
  type: OtherType;
  name: string;
  /** How many there are. */
  count: number;
  /** Those that are here, the newest first; of histograms some of all. */
  events: Other[];
}

/** Sounds, tables and histograms: the newest of each name. */
export class Others extends Kind {
  readonly #counts = new Map<OtherType, number>();
  readonly #known = new Map<string, Named>();

  constructor(
    private readonly address: (query: Record<string, string | number>) => string,
    readonly file: (hash: string) => string, private readonly changed: () => void,
  ) {
    super();
  }

  of(type: OtherType): Named[] {
    return [...this.#known.values()].filter((named) => named.type === type);
  }

  expectOf(type: OtherType, count: number): void {
    this.#counts.set(type, count);
    const total = OTHERS.reduce((sum, each) => sum + (this.#counts.get(each) ?? 0), 0);
    this.expect(total);
  }

  /** Load more of a name's, before the oldest that is here. */
  async older({ type, name, count, events }: Named): Promise<void> {
    const answer = await this.#ask({ type, name, limit: PAGE, before: count - events.length });
    const known = this.#known.get(`${type} ${name}`);
    if (known?.events.length !== events.length) return;
    this.#known.set(`${type} ${name}`, { ...known, events: [...events, ...(answer.media as Other[])] });
    this.changed();
  }

  protected async refresh(): Promise<void> {
    let total = 0;
    for (const type of OTHERS) {
      if (!this.#counts.get(type)) continue;
      const answer = await this.#ask({ type, limit: 0 });
      total += answer.total;
      for (const { name, count } of answer.names) {
        const known = this.#known.get(`${type} ${name}`);
        if (known?.count !== count) await this.#load(type, name, count - (known?.count ?? -Infinity));
      }
    }
    this.total = total;
    this.changed();
  }

  /** Load the newest of a name's: those that are missing, or, where these are many, some anew. */
  async #load(type: OtherType, name: string, missing: number): Promise<void> {
    const anew = missing <= 0 || missing > PAGE;
    const how = !anew ? { limit: missing } : type === "histogram" ? { limit: SPREAD, spread: "true" } : { limit: PAGE };
    const answer = await this.#ask({ type, name, ...how } as Record<string, string | number>);
    const before = anew ? [] : (this.#known.get(`${type} ${name}`)?.events ?? []);
    const has = new Set(before.map(keyOf));
    const events = [...(answer.media as Other[]).filter((event) => !has.has(keyOf(event))), ...before];
    // What came meanwhile is missing still: the count says what was loaded.
    const count = anew ? answer.count : (this.#known.get(`${type} ${name}`)?.count ?? 0) + events.length - before.length;
    this.#known.set(`${type} ${name}`, { type, name, count, events: type === "histogram" ? thinned(events, 2 * SPREAD) : events });
    this.changed();
  }

  #ask(query: Record<string, string | number>): Promise<MediaPage> {
    return getJson<MediaPage>(this.address(query));
  }
}

/** Every second one where they are more than `most`; the newest stays. */
function thinned<E>(events: E[], most: number): E[] {
  return events.length > most ? events.filter((_, at) => at % 2 === 0) : events;
}

export function keyOf(event: Other): string {
  return `${event.rank ?? 0}:${event.seq}:${event.time}`;
}
