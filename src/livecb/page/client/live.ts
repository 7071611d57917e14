import type { Asked, RunState } from "./api.js";
import { Backoff } from "./backoff.js";
import type { Client, SendOptions } from "./client.js";
import { ApiError, LivecbError, ServerError } from "./errors.js";
import type { Source } from "./events.js";
import { Follower } from "./follow.js";
import type { LivecbEvent } from "./generated/events.js";
import type { Link } from "./link.js";
import { foldNotes } from "./notes.js";
import type { Message } from "./sse.js";

/** What a view of a run shows. It is never changed: each change makes another one. */
export interface Snapshot {
  /** All that is known of the run; null until the server has said it. */
  readonly state: RunState | null;
  /** The event that came last since somebody subscribed. */
  readonly latest: LivecbEvent | null;
  /** Events of the run so far. */
  readonly totalCount: number;
  readonly isConnected: boolean;
  /** What keeps it from being up to date; null when nothing does. */
  readonly error: LivecbError | null;
}

const NOTHING: Snapshot = { state: null, latest: null, totalCount: 0, isConnected: false, error: null };

/**
 * A run as a store, for React's `useSyncExternalStore` and its like: `subscribe(changed)`, and `get()` for what is so now.
 * It follows the run while somebody subscribes, and reconnects for ever.
 */
export class LiveRun {
  #snapshot = NOTHING;
  #listeners = new Set<() => void>();
  #session: AbortController | null = null;
  #follower: Follower | null = null;

  constructor(private readonly client: Client, readonly run: string, private readonly source: Source) {}

  /** What is so now. */
  readonly get = (): Snapshot => this.#snapshot;

  /** Be told of changes until the returned function is called. */
  readonly subscribe = (changed: () => void): (() => void) => {
    const listener = (): void => changed();
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  };

  /** As `Client.send`. */
  readonly send = (name: string, options?: SendOptions): Promise<Asked> => this.client.send(this.run, name, options);

  /** Try again after a refusal: a token that opens nothing any more (401, 403) is not brought again by itself. */
  readonly retry = (): void => {
    if (this.#listeners.size === 0) return;
    this.#stop();
    this.#start();
  };

  #start(): void {
    this.#session = new AbortController();
    void this.#open(this.#session.signal);
  }

  #stop(): void {
    this.#session?.abort();
    this.#follower?.stop();
    this.#follower = null;
    this.#change({ isConnected: false });
  }

  /** The state says up to where it holds all: what comes after that is followed, without a gap or an overlap. */
  async #open(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff();
    while (!signal.aborted) {
      try {
        const state = await this.client.get(this.run, signal);
        if (signal.aborted) return;
        this.#change({ state, totalCount: state.events, error: null });
        this.#follow(state.cursor, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof LivecbError)) throw error;
        this.#change({ error, isConnected: false });
        if (error instanceof ApiError && isRefusal(error.status)) return;
      }
      await pause(backoff.next(), signal);
    }
  }

  #follow(cursor: string, signal: AbortSignal): void {
    let came: LivecbEvent[] = [];
    let state: RunState | null = null;
    const publish = (): void => {
      if (signal.aborted || (came.length === 0 && !state)) return;
      const { latest, totalCount } = this.#snapshot;
      this.#change({
        latest: came.at(-1) ?? latest, totalCount: totalCount + came.length, ...(state ? { state } : {}),
      });
      came = [];
      state = null;
    };
    const take = (event: LivecbEvent): void => {
      came.push(event);
      const known = state ?? this.#snapshot.state;
      // The server says the state at most twice a second: a note is shown before that.
      if (event.type === "note" && known) state = { ...known, notes: foldNotes(known.notes, event) };
    };
    const onMessage = ({ event, data }: Message): void => {
      if (event === "") take(JSON.parse(data) as LivecbEvent);
      else if (event === "state") state = JSON.parse(data) as RunState;
      else if (event === "reset") this.#startOver();
      else if (event === "writer") {
        const known = state ?? this.#snapshot.state;
        if (known) state = { ...known, ...(JSON.parse(data) as { alive: boolean }) };
      }
    };
    const onPolled = async (): Promise<void> => {
      state = await this.client.get(this.run, signal);
      publish();
    };
    const follower = new Follower(cursor, {
      ...this.source, onMessage, onBatch: publish, onPolled, onLink: (link) => signal.aborted || this.#onLink(link),
    });
    this.#follower = follower;
    void follower.run();
  }

  #startOver(): void {
    this.#session?.abort();
    this.#follower?.stop();
    this.#snapshot = NOTHING;
    this.#start();
  }

  #onLink(link: Link): void {
    const isConnected = link.kind === "live" || link.kind === "polling";
    const error = link.kind === "refused" ? new ApiError(link.status, link.title, link.detail)
      : link.kind === "reconnecting" ? new ServerError(`${link.why}; trying again`)
      : null;
    this.#change({ isConnected, error });
    if (link.kind === "refused" && isRefusal(link.status)) this.#follower?.stop();
  }

  #change(part: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...part };
    for (const listener of this.#listeners) listener();
  }
}

/** Whether asking again with the same token is of no use, and would only be counted against its address. */
function isRefusal(status: number): boolean {
  return status === 401 || status === 403;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
