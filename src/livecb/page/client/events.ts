import type { EventPage } from "./api.js";
import { Backoff } from "./backoff.js";
import { ApiError } from "./errors.js";
import { Follower, type Following } from "./follow.js";
import type { LivecbEvent } from "./generated/events.js";
import { getJson, isAbort } from "./http.js";
import type { Link } from "./link.js";
import type { Message } from "./sse.js";

/** How to follow. */
export interface FollowOptions {
  /** Where to begin: `0` (the beginning), `end`, or a cursor that was kept. */
  from?: string;
  /** Event types (`metrics`) and channels (`training`, `progress`, `logs`, `media`, `system`); all if left out. */
  types?: readonly string[];
  /** Whether to be done when the run's writer is gone and all is read: true. It may be taken up again. */
  untilEnd?: boolean;
  /** Events that came together, in order, each once. Nothing more is read until it is done: a promise is waited for. */
  onEvents?: (events: LivecbEvent[], cursor: string) => void | Promise<void>;
  /** The log was replaced by another: what is known of the run is no more, all its events come. */
  onReset?: () => void;
  /** How it stands with the server: for a light that is green or red. */
  onLink?: (link: Link) => void;
  /** Ends it. */
  signal?: AbortSignal;
}

/** Addresses and headers to follow one run with. */
export interface Source extends Pick<Following, "stream" | "socket" | "headers"> {
  poll(cursor: string): string;
}

interface Taken {
  event: LivecbEvent;
  cursor: string;
}

type Take = NonNullable<FollowOptions["onEvents"]>;

/** Two looks at a log whose writer is gone: one that starts anew holds no lock for a moment. */
const LAST_LOOKS = 2;
const LAST_WAIT_S = 0.3;

/**
 * Events of a run as they come, each once, whatever breaks on the way: `for await (const event of events)`, or
 * told to `onEvents` until `done`.
 */
export class RunEvents implements AsyncIterable<LivecbEvent> {
  /** All up to here was given: `follow` from there goes on in another process. */
  cursor: string;
  /** How often the log began anew, so that all its events came again. */
  resets = 0;
  /** Resolved when the run is over or nobody follows any more; rejected with what cannot be cured by asking again. */
  readonly done: Promise<void>;
  #follower: Follower | null = null;
  #closing = new AbortController();
  #asked = false;
  #taken: Taken[] = [];
  #place: string;
  #over = false;
  #begin!: (how: Promise<void>) => void;

  constructor(private readonly source: Source, private readonly options: FollowOptions) {
    this.cursor = this.#place = options.from ?? "0";
    this.done = new Promise((resolve) => (this.#begin = resolve));
    if (options.signal?.aborted) this.close();
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
    if (options.onEvents) {
      this.#asked = true;
      this.#begin(this.#run(options.onEvents));
    }
  }

  /** Hang up. */
  close(): void {
    this.#closing.abort();
    this.#follower?.stop();
    if (!this.#asked) this.#begin(Promise.resolve());
    this.#asked = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LivecbEvent, void> {
    if (this.#asked) {
      if (this.#closed) return;
      throw new TypeError("these events are given to onEvents, or to another loop, already: follow once more");
    }
    this.#asked = true;
    const hand = new Hand<Taken[]>(this.#closing.signal);
    const running = this.#run(() => hand.give(this.#taken));
    this.#begin(running);
    this.done.catch(() => undefined); // whoever iterates is told
    running.then(hand.end, hand.end);
    try {
      for (let taken = await hand.take(); taken; taken = await hand.take()) {
        for (const { event, cursor } of taken) {
          this.cursor = cursor;
          yield event;
        }
        this.cursor = this.#place;
      }
      await running;
    } finally {
      this.close();
    }
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(take: Take): Promise<void> {
    const { untilEnd = true, onLink } = this.options;
    while (!this.#closed) {
      this.#over = false;
      const follower = new Follower(this.#place, {
        ...this.source,
        givesUp: true,
        onMessage: (message) => this.#onMessage(message, untilEnd),
        onBatch: async () => {
          this.#place = follower.cursor;
          await this.#give(take);
          if (this.#over) follower.stop();
        },
        onLink: (link) => onLink?.(link),
      });
      this.#follower = follower;
      await follower.run();
      if (this.#closed || (this.#over && (await this.#readOut(take)))) return;
    }
  }

  #onMessage(message: Message, untilEnd: boolean): void {
    if (message.event === "") this.#take(JSON.parse(message.data), message.id ?? this.#place);
    else if (message.event === "reset") this.#reset();
    else if (message.event === "connected" || message.event === "writer" || message.event === "heartbeat") {
      const said = JSON.parse(message.data) as { alive: boolean; cursor?: string };
      this.#over = untilEnd && !said.alive;
      // Where the end was: it will be further on when asked again.
      if (this.#place === "end" && said.cursor && this.#follower) this.#follower.cursor = said.cursor;
    }
  }

  #take(event: unknown, cursor: string): void {
    this.#taken.push({ event: event as LivecbEvent, cursor });
  }

  #reset(): void {
    this.resets++;
    this.#taken = [];
    if (this.#follower) this.#follower.cursor = "0";
    this.options.onReset?.();
  }

  async #give(take: Take): Promise<void> {
    const taken = this.#taken;
    if (taken.length > 0) {
      await take(taken.map(({ event }) => event), this.#place);
      this.#taken = [];
    }
    // Who closes it in the middle has not taken all.
    if (!this.#closed || this.options.onEvents) this.cursor = this.#place;
  }

  /** The writer is gone: read to the end of the log. False if another one writes on. */
  async #readOut(take: Take): Promise<boolean> {
    const backoff = new Backoff();
    const asking = { headers: this.source.headers ?? {}, signal: this.#closing.signal };
    for (let looks = 0; looks < LAST_LOOKS; ) {
      try {
        const page = await getJson<EventPage>(`${this.source.poll(this.#place)}&wait=${LAST_WAIT_S}`, asking);
        if (page.reset) this.#reset();
        page.events.forEach((event, at) => this.#take(event, page.cursors?.[at] ?? page.cursor));
        this.#place = page.cursor;
        if (page.alive) {
          await this.#give(take);
          return false;
        }
        looks = page.events.length > 0 ? 0 : looks + 1;
      } catch (error) {
        if (this.#closed && isAbort(error)) return true;
        if (error instanceof ApiError && error.final) throw error;
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
        continue;
      }
      await this.#give(take);
    }
    return true;
  }
}

/** Hands things from one task to another, which is waited for. */
class Hand<T> {
  #held: T | null = null;
  #ended = false;
  #wake = (): void => undefined;
  #free = (): void => undefined;

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.end());
  }

  give(thing: T): Promise<void> {
    this.#held = thing;
    this.#wake();
    return this.#ended ? Promise.resolve() : new Promise((resolve) => (this.#free = resolve));
  }

  /** The next one, null when there is none any more. */
  async take(): Promise<T | null> {
    this.#held = null;
    this.#free();
    while (this.#held === null && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#held;
  }

  readonly end = (): void => {
    this.#ended = true;
    this.#wake();
    this.#free();
  };
}
