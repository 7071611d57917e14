import { Backoff } from "./backoff";
import { Refused, check, getJson, type EventsAnswer } from "./api";
import type { Link } from "./link";
import { MessageParser, type Message } from "./sse";

/** What a follower needs to know, and whom it tells. */
export interface Following {
  /** The stream's address from a cursor on. */
  stream(cursor: string): string;
  /** The same as a JSON batch that waits for the first event; null where polling makes no sense. */
  poll: ((cursor: string) => string) | null;
  /** Each message in order; log lines have an id. */
  onMessage(message: Message): void;
  /** After each JSON batch while polling: what else must be asked for. */
  onPolled?(): Promise<void>;
  onLink(link: Link): void;
}

/** Nothing at all for so long, not even a heartbeat, and the connection counts as dead. */
const SILENCE_MS = 25_000;
/** A stream must say `connected` within this time, else something on the way holds it back. */
const FIRST_WORD_MS = 4_000;
/** While polling, see this often whether a stream gets through by now. */
const RETRY_STREAM_MS = 300_000;
const POLL_WAIT_S = 20;

/**
 * Follows a stream from a cursor for ever: reconnects from exactly where it was, survives a restart of the
 * server, and falls back to long-polling with the same cursor where a proxy holds streams back.
 */
export class Follower {
  cursor: string;
  /** Messages that could not be taken. They are left behind: coming back to them would never end. */
  bad = 0;
  #stopped = false;
  #abort = new AbortController();
  #wake: (() => void) | null = null;
  #backoff = new Backoff();
  #downSince = 0;
  #tries = 0;
  #retry = 0;
  #goodbye = false;
  #pollUntil = 0;

  constructor(cursor: string, private readonly to: Following) {
    this.cursor = cursor;
  }

  /** Follow until `stop`. */
  async run(): Promise<void> {
    this.to.onLink({ kind: "connecting", since: Date.now() });
    while (!this.#stopped) {
      try {
        if (this.to.poll && Date.now() < this.#pollUntil) await this.#poll(this.to.poll);
        else await this.#stream();
        if (!this.#stopped) await this.#lost(this.#goodbye ? "the server is going down" : "the connection was closed");
      } catch (error) {
        if (this.#stopped) return;
        if (error instanceof HeldBack && this.to.poll) this.#pollUntil = Date.now() + RETRY_STREAM_MS;
        else await this.#failed(error);
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#abort.abort();
    this.#wake?.();
  }

  /** Try again now, not at the end of the wait. */
  retryNow(): void {
    this.#wake?.();
  }

  async #failed(error: unknown): Promise<void> {
    if (error instanceof Refused && error.final) {
      const { status, title, detail } = error;
      this.to.onLink({ kind: "refused", since: Date.now(), status, title, detail });
      await this.#wait(5_000);
    } else {
      await this.#lost(error instanceof Refused ? error.message : reason(error));
    }
  }

  async #lost(why: string): Promise<void> {
    this.#downSince ||= Date.now();
    this.#tries++;
    this.to.onLink({ kind: "reconnecting", since: this.#downSince, why, tries: this.#tries });
    // Who said goodbye said when to come back; a connection that broke is tried again at once.
    await this.#wait(this.#backoff.next(this.#goodbye ? this.#retry : 0));
    this.#goodbye = false;
  }

  #up(kind: "live" | "polling"): void {
    this.#backoff.reset();
    this.#downSince = 0;
    this.#tries = 0;
    this.to.onLink({ kind, since: Date.now() });
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #stream(): Promise<void> {
    this.#abort = new AbortController();
    const watchdog = new Watchdog(this.#abort);
    watchdog.expect(FIRST_WORD_MS, new HeldBack());
    try {
      const response = await fetch(this.to.stream(this.cursor), {
        headers: { Accept: "text/event-stream" },
        cache: "no-store",
        signal: this.#abort.signal,
      });
      await check(response);
      if (!response.body || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        throw new HeldBack();
      }
      await this.#readStream(response.body.getReader(), watchdog);
    } catch (error) {
      throw watchdog.cause ?? error;
    } finally {
      watchdog.end();
      this.#abort.abort();
    }
  }

  async #readStream(reader: ReadableStreamDefaultReader<Uint8Array>, watchdog: Watchdog): Promise<void> {
    const decoder = new TextDecoder();
    const parser = new MessageParser();
    let first = true;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      watchdog.expect(SILENCE_MS, new Error(`nothing came for ${SILENCE_MS / 1000} s`));
      const messages = parser.feed(decoder.decode(value, { stream: true }));
      this.#retry = parser.retry ?? this.#retry;
      if (first && messages.length > 0) {
        first = false;
        this.#up("live");
      }
      for (const message of messages) {
        if (this.#stopped) return;
        if (message.event === "bye") {
          this.#goodbye = true;
          return;
        }
        this.#take(message);
      }
    }
  }

  #take(message: Message): void {
    this.#tell(message);
    if (message.id !== null) this.cursor = message.id;
  }

  #tell(message: Message): void {
    try {
      this.to.onMessage(message);
    } catch (error) {
      this.bad++;
      console.warn(`livecb: a message is left out: ${reason(error)}`);
    }
  }

  async #poll(address: (cursor: string) => string): Promise<void> {
    let wait = 0;
    while (!this.#stopped && Date.now() < this.#pollUntil) {
      this.#abort = new AbortController();
      const watchdog = new Watchdog(this.#abort);
      watchdog.expect(SILENCE_MS, new Error(`nothing came for ${SILENCE_MS / 1000} s`));
      try {
        const answer = await getJson<EventsAnswer>(`${address(this.cursor)}&wait=${wait}`, this.#abort.signal);
        if (this.#stopped) return;
        if (wait === 0) this.#up("polling");
        this.#takeBatch(answer);
        if (!this.#stopped) await this.to.onPolled?.();
      } catch (error) {
        this.#pollUntil = 0;
        throw watchdog.cause ?? error;
      } finally {
        watchdog.end();
      }
      wait = POLL_WAIT_S;
    }
  }

  #takeBatch(answer: EventsAnswer): void {
    if (answer.reset) this.#tell({ event: "reset", data: JSON.stringify(answer), id: null });
    for (const event of answer.events) {
      if (this.#stopped) return;
      this.#tell({ event: "", data: typeof event === "string" ? event : JSON.stringify(event), id: answer.cursor });
    }
    this.cursor = answer.cursor;
  }
}

/** The stream is there, but nothing of it comes through. */
class HeldBack extends Error {}

/** Aborts a request when what is expected does not come in time, and remembers why. */
class Watchdog {
  cause: Error | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly abort: AbortController) {}

  expect(ms: number, otherwise: Error): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.cause = otherwise;
      this.abort.abort();
    }, ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function reason(error: unknown): string {
  if (error instanceof TypeError) return "the server does not answer";
  return error instanceof Error ? error.message : String(error);
}
