import type { EventsAnswer } from "./api.js";
import { Backoff } from "./backoff.js";
import { ApiError, ServerError } from "./errors.js";
import { getJson } from "./http.js";
import type { Link } from "./link.js";
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

/** Nothing at all for so long, not even a heartbeat, and the connection counts as dead. */
const SILENCE_MS = 25_000;
/** A stream must say `connected` within this time, else something on the way holds it back. */
const FIRST_WORD_MS = 2_000;
/** Where there is nothing else to try, it may take its time. */
const ONLY_WORD_MS = 10_000;
/** While polling, see whether a WebSocket gets through, or a stream by now: after so long, then ever less often. */
const PROBE_MS = 5_000;
const LONGEST_PROBE_MS = 300_000;
const POLL_WAIT_S = 20;

/**
 * Follows a stream from a cursor for ever: reconnects from exactly where it was, survives a restart of the
 * server, and falls back to long-polling with the same cursor where a proxy holds streams back, and from
 * there to a WebSocket where that gets through.
 */
export class Follower {
  cursor: string;
  /** Messages that could not be taken. They are left behind: coming back to them would never end. */
  bad = 0;
  #via: "stream" | "socket" | "poll" = "stream";
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

  constructor(cursor: string, private readonly to: Following) {
    this.cursor = cursor;
  }

  /** Follow until `stop`. */
  async run(): Promise<void> {
    this.to.onLink({ kind: "connecting", since: Date.now() });
    while (!this.#stopped) {
      try {
        if (this.#via === "poll" && this.to.poll) {
          await this.#poll(this.to.poll);
          continue; // something better gets through
        }
        await this.#listen();
        if (!this.#stopped) await this.#lost(this.#goodbye ? "the server is going down" : "the connection was closed");
      } catch (error) {
        if (error instanceof Fault) throw error.cause;
        if (this.#stopped) return;
        if (error instanceof HeldBack && this.to.poll) this.#via = "poll";
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
    this.to.onLink({ kind, since: Date.now() });
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
    watchdog.expect(this.to.poll ? FIRST_WORD_MS : ONLY_WORD_MS, new HeldBack("nothing comes through"));
    let first = true;
    try {
      for await (const messages of this.#source(watchdog.abort.signal)) {
        watchdog.rest();
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

  async #poll(address: (cursor: string) => string): Promise<void> {
    const probing = new Watchdog();
    void this.#probe(probing);
    try {
      for (let wait = 0; !this.#stopped && this.#via === "poll"; wait = POLL_WAIT_S) {
        const watchdog = (this.#watchdog = new Watchdog());
        watchdog.expect(SILENCE_MS, new Error(`nothing came for ${SILENCE_MS / 1000} s`));
        try {
          const asking = { headers: this.to.headers ?? {}, signal: watchdog.abort.signal };
          const answer = await getJson<EventsAnswer>(`${address(this.cursor)}&wait=${wait}`, asking);
          watchdog.rest();
          if (this.#stopped) return;
          if (wait === 0) this.#up("polling");
          await this.#takeBatch(answer);
          if (!this.#stopped) await this.to.onPolled?.();
        } catch (error) {
          if (this.#via !== "poll") return;
          this.#via = "stream";
          throw watchdog.cause ?? error;
        } finally {
          watchdog.end();
        }
      }
    } finally {
      probing.end();
    }
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
    const ways = this.to.socket && typeof WebSocket === "function" ? (["socket", "stream"] as const) : (["stream"] as const);
    for (let ms = ways.length > 1 ? 0 : PROBE_MS; ; ms = Math.min(LONGEST_PROBE_MS, Math.max(PROBE_MS, 2 * ms))) {
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
          : streamed(this.to.stream(this.cursor), this.to.headers ?? {}, signal);
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
