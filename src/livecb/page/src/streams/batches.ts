import type { Message } from "../../client/sse";
import { placeIn, together } from "./cursors";
import type { Batch } from "./reader";

/** Sorts what a stream of several runs says by run. */
export class Batches {
  /** Where the stream stood after what was taken last. */
  cursor: string;
  readonly #places: Map<string, string>;
  #news = new Map<string, Message[]>();
  /** Runs whose logs began anew, of which the stream has told no place since. */
  #begun = new Set<string>();
  /** What came last of a stretch that tells only at its end where that is. */
  #last: [run: string, message: Message] | null = null;

  constructor(places: Iterable<readonly [run: string, cursor: string]>) {
    this.#places = new Map(places);
    this.cursor = together(this.#places);
  }

  hear({ event, data, id }: Message): void {
    if (id !== null) this.#begun.clear();
    if (event === "cursor" && this.#last) this.#last[1].id = placeIn(id as string, this.#last[0]);
    if (event === "cursor") this.#last = null;
    if (event === "connected" || event === "heartbeat" || event === "cursor") return;
    const run = this.#places.has(event) ? event : runOf(data);
    const message = { event: run === event ? "" : event, data, id: id === null ? null : placeIn(id, run) };
    if (run === event && id === null) this.#last = [run, message];
    if (event === "reset") this.#begun.add(run);
    const messages = this.#news.get(run) ?? [];
    if (!this.#news.has(run)) this.#news.set(run, messages);
    messages.push(message);
  }

  /** What came of each run until the stream stood at a cursor; where a log began anew, that is its beginning. */
  take(cursor: string): [run: string, batch: Batch][] {
    const begun = this.#begun;
    const moved = cursor !== this.cursor || begun.size > 0;
    const batches = [...this.#places].map(([run, before]): [string, Batch] => {
      const after = begun.has(run) ? "0" : moved ? placeIn(cursor, run) : before;
      this.#places.set(run, after);
      return [run, { before, messages: this.#news.get(run) ?? [], after }];
    });
    this.#news = new Map();
    begun.clear();
    if (moved) this.cursor = together(this.#places);
    return batches.filter(([, { before, messages, after }]) => messages.length > 0 || after !== before);
  }
}

/** Whose news it is. */
function runOf(data: string): string {
  return /^\{"run":"([\w.-]+)"/.exec(data)?.[1] ?? (JSON.parse(data) as { run: string }).run;
}
