import { Backoff } from "../../client/backoff";
import type { Link } from "../../client/link";
import type { Message } from "../../client/sse";
import { pause } from "./pause";
import { ALONE, type Asked, type Said, type Wish } from "./wire";
import workerUrl from "./worker?sharedworker&url";

/** What a follower is told. */
export interface Told {
  /** A message, and a place by which it is told; `cursor` of what is followed still stands before it. */
  onMessage(message: Message, by: string): void;
  onLink(link: Link): void;
}

/** Something that is followed. */
export interface Followed {
  readonly cursor: string;
  stop(): void;
  retryNow(): void;
}

interface Entry {
  id: number;
  wish: Wish;
  told: Told;
  cursor: string;
}

/** A worker answers at once, unless there is none. */
const HELLO_MS = 2_000;
const PING_MS = 5_000;
/** Pings without any word in between, and the worker is gone. */
const MOST_MISSED = 2;

const hubs = new Map<string, Hub>();

/** Where a server's news comes from, for this page. */
export function hubOf(base: string): Hub {
  const absolute = new URL(base, location.href).href;
  const hub = hubs.get(absolute) ?? new Hub(absolute);
  hubs.set(absolute, hub);
  return hub;
}

/**
 * Follows what the page shows, through the worker that all tabs share; where there is none (a sandboxed frame, some
 * phones), or once it does not answer any more, by itself.
 */
export class Hub {
  /** Whether other tabs share the connection. */
  shared = false;
  /** Messages that could not be taken: left behind, since coming back to them would never end. */
  bad = 0;
  #entries = new Map<number, Entry>();
  #last = 0;
  #port: MessagePort | null = null;
  #missed = 0;
  #hello: ReturnType<typeof setTimeout> | undefined;
  #away = false;

  constructor(private readonly base: string) {
    this.#connect();
    setInterval(() => this.#ping(), PING_MS);
    addEventListener("online", () => this.#post({ kind: "retry" }));
    document.addEventListener("visibilitychange", () => document.hidden || this.#post({ kind: "retry" }));
    // A page that is frozen, or kept for the back button, takes nothing in.
    document.addEventListener("freeze", () => this.#leave());
    addEventListener("pagehide", () => this.#leave());
    document.addEventListener("resume", () => this.#comeBack());
    addEventListener("pageshow", () => this.#comeBack());
  }

  /** Follow `wish` until it is stopped. */
  follow(wish: Wish, told: Told): Followed {
    const entry: Entry = { id: ++this.#last, wish, told, cursor: wish.cursor };
    this.#entries.set(entry.id, entry);
    if (!this.#away) this.#ask(entry);
    return {
      get cursor() {
        return entry.cursor;
      },
      stop: () => {
        if (this.#entries.delete(entry.id)) this.#post({ kind: "stop", id: entry.id });
      },
      retryNow: () => this.#post({ kind: "retry" }),
    };
  }

  #connect(): void {
    try {
      // By one address, wherever the page is: another address would be another worker.
      const address = new URL(`assets/${workerUrl.slice(workerUrl.lastIndexOf("/") + 1)}`, this.base);
      const worker = new SharedWorker(address, { type: "module", name: "livecb" });
      worker.onerror = () => void this.#goAlone(worker.port);
      this.shared = true;
      this.#listen(worker.port);
      this.#hello = setTimeout(() => void this.#goAlone(worker.port), HELLO_MS);
    } catch {
      void this.#goAlone(null);
    }
  }

  async #goAlone(from: MessagePort | null): Promise<void> {
    if (from !== this.#port) return;
    clearTimeout(this.#hello);
    from?.close();
    this.#port = null;
    this.shared = false;
    const Shared = await this.#loadShared();
    const { port1, port2 } = new MessageChannel();
    const hear = new Shared(this.base, ALONE).connect((said) => port2.postMessage(said));
    port2.onmessage = ({ data }: MessageEvent<Asked>) => hear(data);
    this.#listen(port1);
    if (!this.#away) this.#followAll();
  }

  /** What follows for this page alone comes from the server, too, which may be away. */
  async #loadShared(): Promise<typeof import("./shared").Shared> {
    const backoff = new Backoff();
    const since = Date.now();
    for (let tries = 1; ; tries++) {
      try {
        return (await import("./shared")).Shared;
      } catch {
        const why = "the server is away, or was updated since this page was opened: then load it anew";
        for (const { told } of [...this.#entries.values()]) told.onLink({ kind: "reconnecting", since, why, tries });
        await pause(backoff.next());
      }
    }
  }

  #listen(port: MessagePort): void {
    this.#port = port;
    this.#missed = 0;
    port.onmessage = ({ data }: MessageEvent<Said>) => {
      if (port !== this.#port) return;
      this.#missed = 0;
      if (data.kind === "hello") clearTimeout(this.#hello);
      else if (data.kind === "link") this.#entries.get(data.id)?.told.onLink(data.link);
      else if (data.kind === "news") this.#take(data);
    };
    this.#post({ kind: "hello", base: this.base });
  }

  #take({ id, messages, cursor }: Said & { kind: "news" }): void {
    const entry = this.#entries.get(id);
    for (const message of messages) {
      if (!entry || this.#entries.get(id) !== entry) break;
      try {
        entry.told.onMessage(message, message.id ?? cursor);
      } catch (error) {
        this.bad++;
        console.warn(`livecb: a message is left out: ${String(error)}`);
      }
      if (message.id !== null) entry.cursor = message.id;
    }
    if (entry) entry.cursor = cursor;
    this.#post({ kind: "taken" });
  }

  #ping(): void {
    if (!this.#port || !this.shared || this.#away) return;
    if (this.#missed++ >= MOST_MISSED) void this.#goAlone(this.#port);
    else this.#post({ kind: "ping" });
  }

  #leave(): void {
    this.#away = true;
    this.#post({ kind: "bye" });
  }

  #comeBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#missed = 0;
    this.#followAll();
  }

  /** Under new ids: what still lies in the letter box is asked for again, and must not be told twice. */
  #followAll(): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) {
      entry.id = ++this.#last;
      this.#entries.set(entry.id, entry);
      this.#ask(entry);
    }
  }

  #ask({ id, wish, cursor }: Entry): void {
    this.#post({ kind: "follow", id, wish: { ...wish, cursor } });
  }

  #post(asked: Asked): void {
    this.#port?.postMessage(asked);
  }
}
