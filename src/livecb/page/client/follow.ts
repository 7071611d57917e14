import type { EventsAnswer } from "./api.js";
import { Backoff } from "./backoff.js";
import { ApiError, ServerError } from "./errors.js";
import { getJson } from "./http.js";
import type { Link, Via } from "./link.js";
import { socketed } from "./socket.js";
import { MessageParser, type Message } from "./sse.js";
import { HeldBack, Watchdog, streamed } from "./stream.js";

/** What a follower needs to know, and whom it tells. */
export interface Following {
  /** The stream's address from a cursor on. */
  stream(cursor: string): string;
  /** The same as a WebSocket, with what opens it. */
  socket?(cursor: string): string;
  /** The same as a JSON batch that waits for the first event; null where polling makes no sense. */
  poll: ((cursor: string) => string) | null;
  /** Polling in words of one's own: what came since a cursor, or within so many seconds from now. */
  ask?(cursor: string, wait: number, signal: AbortSignal): Promise<Message[]>;
  /**
   * A stream that says hello and nothing else. A proxy that holds back lets go of what fills its buffer: only where a
   * few bytes come through, the rest comes in time.
   */
  quiet?(): string;
  /** The ways that may be gone, the first one first; all that there are if left out. */
  ways?: readonly Via[];
  headers?: Record<string, string>;
  /** Whether a final refusal, or a server that was never there, ends it: then `run` raises that. */
  givesUp?: boolean;
  /** Each message in order; log lines have an id. */
  onMessage(message: Message): void;
  /** After messages that came together. Nothing more is read until it is done; what it raises, `run` raises. */
  onBatch?(): void | Promise<void>;
  /** After each JSON batch while polling: what else must be asked for. */
  onPolled?(): Promise<void>;
  onLink(link: Link): void;
}

/** Nothing at all for so long, not even one of the heartbeats of 10 s, and the connection counts as dead. */
const SILENCE_MS = 16_000;
/** A stream must say `connected` within this time, else something on the way holds it back. */
const FIRST_WORD_MS = 2_000;
/** Where there is nothing else to try, it may take its time. */
const ONLY_WORD_MS = 10_000;
/** While polling, see whether a WebSocket gets through, or a stream by now: after so long, then ever less often. */
const PROBE_MS = 5_000;
const LONGEST_PROBE_MS = 300_000;
const POLL_WAIT_S = 20;
/** Beyond what an answer may wait for. */
const SPARE_MS = 6_000;

/**
 * Follows a stream from a cursor for ever: reconnects from exactly where it was, survives a restart of the
 * server, and falls back to long-polling with the same cursor where a proxy holds streams back, and from
 * there to a WebSocket where that gets through.
 */
export class Follower {
  cursor: string;
  /** Messages that could not be taken. They are left behind: coming back to them would never end. */
  bad = 0;
  #via: Via;
  #stopped = false;
  #watchdog = new Watchdog();
  #wake: (() => void) | null = null;
  #backoff = new Backoff();
  #downSince = 0;
  #tries = 0;
  #reached = false;
  #alive: boolean | null = null;
  #parser = new MessageParser();
  #goodbye = false;
  #heard = Date.now();
  #proven: boolean;

  /** @param via How it went before, where that is known. */
  constructor(cursor: string, private readonly to: Following, via?: Via) {
    this.cursor = cursor;
    this.#via = via ?? this.#first;
    this.#proven = via !== undefined;
  }

  /** How news comes now. */
  get via(): Via {
    return this.#via;
  }

  get #first(): Via {
    return this.to.ways?.[0] ?? "stream";
  }

  get #canPoll(): boolean {
    return Boolean(this.to.poll ?? this.to.ask);
  }

  /** Follow until `stop`. */
  async run(): Promise<void> {
    this.to.onLink({ kind: "connecting", since: Date.now() });
    while (!this.#stopped) {
      try {
        if (this.#via === "poll" && this.#canPoll) {
          await this.#poll();
          continue; // something better gets through
        }
        await this.#listen();
        if (!this.#stopped) await this.#lost(this.#goodbye ? "the server is going down" : "the connection was closed");
      } catch (error) {
        if (error instanceof Fault) throw error.cause;
        if (this.#stopped) return;
        if (error instanceof HeldBack && this.#canPoll) this.#via = "poll";
        else await this.#failed(error);
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#watchdog.end();
    this.#wake?.();
  }

  /** Try again now, not at the end of the wait. */
  retryNow(): void {
    this.#wake?.();
  }

  /** Who has slept cannot know whether the connection still lives: take it up anew if it has long been silent. */
  rouse(silentMs: number): void {
    if (Date.now() - this.#heard < silentMs) return;
    this.#watchdog.fail(new Error("this computer was asleep"));
    this.#wake?.();
  }

  async #failed(error: unknown): Promise<void> {
    const final = error instanceof ApiError && error.final;
    if (this.to.givesUp && (final || !this.#reached)) throw error;
    if (final) {
      const { status, title, detail } = error;
      this.to.onLink({ kind: "refused", since: Date.now(), status, title, detail });
      await this.#wait(5_000);
    } else {
      await this.#lost(reason(error));
    }
  }

  async #lost(why: string): Promise<void> {
    this.#downSince ||= Date.now();
    this.#tries++;
    this.to.onLink({ kind: "reconnecting", since: this.#downSince, why, tries: this.#tries });
    // Who said goodbye said when to come back; a connection that broke is tried again at once.
    await this.#wait(this.#backoff.next(this.#goodbye ? (this.#parser.retry ?? 0) : 0));
    this.#goodbye = false;
  }

  #up(kind: "live" | "polling"): void {
    this.#reached = true;
    this.#backoff.reset();
    this.#downSince = 0;
    this.#tries = 0;
    this.to.onLink(kind === "live" ? { kind, since: Date.now(), via: this.#via } : { kind, since: Date.now() });
  }

  #wait(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #listen(): Promise<void> {
    const watchdog = (this.#watchdog = new Watchdog());
    watchdog.expect(this.#canPoll ? FIRST_WORD_MS : ONLY_WORD_MS, new HeldBack("nothing comes through"));
    let first = true;
    if (this.#via === "stream" && this.to.quiet && !this.#proven) void this.#prove(watchdog);
    try {
      for await (const messages of this.#source(watchdog.abort.signal)) {
        watchdog.rest();
        this.#heard = Date.now();
        if (first && messages.length > 0) {
          first = false;
          this.#up("live");
        }
        await this.#takeAll(messages);
        if (this.#stopped || this.#goodbye) return;
        watchdog.expect(SILENCE_MS, new Error(`nothing came for ${SILENCE_MS / 1000} s`));
      }
      // A WebSocket does not say why it was closed before it was open: perhaps nothing but this one is.
      if (first && this.#via === "socket") throw new HeldBack();
    } catch (error) {
      throw watchdog.cause ?? error;
    } finally {
      watchdog.end();
    }
  }

  /** Whether a few bytes come through in time, or only what fills a proxy's buffer. */
  async #prove(watchdog: Watchdog): Promise<void> {
    const timer = setTimeout(() => !this.#proven && watchdog.fail(new HeldBack()), FIRST_WORD_MS);
    watchdog.abort.signal.addEventListener("abort", () => clearTimeout(timer));
    this.#proven = (await this.#speaks("stream", watchdog)) || this.#proven;
  }

  #source(signal: AbortSignal): AsyncGenerator<Message[]> {
    if (this.#via === "socket" && this.to.socket) return socketed(this.to.socket(this.cursor), signal);
    this.#parser = new MessageParser();
    return streamed(this.to.stream(this.cursor), this.to.headers ?? {}, signal, this.#parser);
  }

  async #takeAll(messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      if (this.#stopped) return;
      if (message.event === "bye") this.#goodbye = true;
      else this.#tell(message);
      if (message.id !== null) this.cursor = message.id;
    }
    await this.#told();
  }

  #tell(message: Message): void {
    try {
      this.to.onMessage(message);
    } catch (error) {
      this.bad++;
      console.warn(`livecb: a message is left out: ${reason(error)}`);
    }
  }

  async #told(): Promise<void> {
    try {
      await this.to.onBatch?.();
    } catch (error) {
      throw new Fault(error);
    }
  }

  async #poll(): Promise<void> {
    const probing = new Watchdog();
    void this.#probe(probing);
    try {
      for (let wait = 0; !this.#stopped && this.#via === "poll"; wait = POLL_WAIT_S) {
        const watchdog = (this.#watchdog = new Watchdog());
        watchdog.expect(wait * 1000 + SPARE_MS, new Error(`no answer came for ${wait + SPARE_MS / 1000} s`));
        try {
          const take = await this.#question(wait, watchdog.abort.signal);
          watchdog.rest();
          this.#heard = Date.now();
          if (this.#stopped) return;
          if (wait === 0) this.#up("polling");
          await take();
          if (!this.#stopped) await this.to.onPolled?.();
        } catch (error) {
          if (this.#via !== "poll") return;
          this.#via = this.#first;
          throw watchdog.cause ?? error;
        } finally {
          watchdog.end();
        }
      }
    } finally {
      probing.end();
    }
  }

  /** Ask once; returns what takes the answer. */
  async #question(wait: number, signal: AbortSignal): Promise<() => Promise<void>> {
    const { ask, poll, headers = {} } = this.to;
    if (ask) {
      const messages = await ask(this.cursor, wait, signal);
      return () => this.#takeAll(messages);
    }
    const answer = await getJson<EventsAnswer>(`${poll?.(this.cursor)}&wait=${wait}`, { headers, signal });
    return () => this.#takeBatch(answer);
  }

  async #takeBatch(answer: EventsAnswer): Promise<void> {
    if (answer.reset) this.#tell({ event: "reset", data: JSON.stringify(answer), id: null });
    for (const [at, event] of answer.events.entries()) {
      if (this.#stopped) return;
      const id = answer.cursors?.[at] ?? answer.cursor;
      this.#tell({ event: "", data: typeof event === "string" ? event : JSON.stringify(event), id });
      if (answer.cursors) this.cursor = id;
    }
    this.cursor = answer.cursor;
    if (answer.alive !== this.#alive) this.#tell({ event: "writer", data: JSON.stringify({ alive: answer.alive }), id: null });
    this.#alive = answer.alive;
    await this.#told();
  }

  /** While polling goes on: whether something better gets through. It is then gone over to, from where polling is. */
  async #probe(probing: Watchdog): Promise<void> {
    const { signal } = probing.abort;
    const there = this.to.socket && typeof WebSocket === "function" ? (["socket", "stream"] as const) : (["stream"] as const);
    const ways = there.filter((way) => this.to.ways?.includes(way) ?? true);
    if (ways.length === 0) return;
    for (let ms = ways.includes("socket") ? 0 : PROBE_MS; ; ms = Math.min(LONGEST_PROBE_MS, Math.max(PROBE_MS, 2 * ms))) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener("abort", () => (clearTimeout(timer), resolve()));
      });
      for (const way of ways) {
        if (signal.aborted) return;
        if (await this.#speaks(way, probing)) {
          this.#via = way;
          this.#watchdog.end();
          return;
        }
      }
    }
  }

  async #speaks(way: "stream" | "socket", probing: Watchdog): Promise<boolean> {
    const watchdog = new Watchdog();
    const hangUp = (): void => watchdog.end();
    probing.abort.signal.addEventListener("abort", hangUp);
    watchdog.expect(ONLY_WORD_MS, new HeldBack());
    const { signal } = watchdog.abort;
    try {
      const source =
        way === "socket" && this.to.socket
          ? socketed(this.to.socket(this.cursor), signal)
          : streamed(this.to.quiet?.() ?? this.to.stream(this.cursor), this.to.headers ?? {}, signal);
      for await (const messages of source) if (messages.length > 0) return !probing.abort.signal.aborted;
    } catch {
      // Not yet, then.
    } finally {
      watchdog.end();
      probing.abort.signal.removeEventListener("abort", hangUp);
    }
    return false;
  }
}

/** Whoever is told failed: that ends it, unlike what fails on the way. */
class Fault extends Error {
  constructor(override readonly cause: unknown) {
    super();
  }
}

function reason(error: unknown): string {
  if (error instanceof TypeError || (error instanceof ServerError && !(error instanceof ApiError))) {
    return "the server does not answer";
  }
  return error instanceof Error ? error.message : String(error);
}
