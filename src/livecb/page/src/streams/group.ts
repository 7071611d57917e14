import { Api, type EventsAnswer } from "../../client/api";
import { Backoff } from "../../client/backoff";
import { ApiError } from "../../client/errors";
import { Follower } from "../../client/follow";
import { getJson, withQuery } from "../../client/http";
import type { Link, Via } from "../../client/link";
import type { Message } from "../../client/sse";
import { Batches } from "./batches";
import { covers } from "./cursors";
import { inTime } from "./patience";
import { pause } from "./pause";
import type { Batch, Reader } from "./reader";
import { asks } from "./questions";

/** A run in the stream: how far that has come, how often it told the State, who takes it, and who is about to. */
interface Followed {
  cursor: string;
  states: number;
  readers: Set<Reader>;
  joining: Set<Joining>;
}

/** One who catches up with the stream: what that said since it stood at a place, and whether the log began anew. */
interface Joining {
  from: string;
  held: Batch[];
  reset: boolean;
}

const RESET: Message = { event: "reset", data: "{}", id: null };

/** Runs that come in together are asked for together. */
const SOON_MS = 20;
/** A run that nobody follows any more is taken out of the stream after a while: a page that is loaded anew comes back. */
const PRUNE_MS = 10_000;
const RETRY_MS = 5_000;
const PAGE = 1000;
/** Batches that may come in while one who catches up asks once. */
const MOST_HELD = 20_000;
/** Runs in one stream: their ids and places make its address, which proxies allow 8 kB. */
export const MOST_RUNS = 40;

/**
 * Several runs followed over one connection, each by any number of readers, each of whom gets every event once.
 *
 * The law: the stream goes on from where it stands. Who comes later, and is behind it, asks for what lies between, and
 * joins it there; who is ahead of it joins at once. Each reader's own cursor decides what of the stream is news to it.
 */
export class Group {
  #followed = new Map<string, Followed>();
  #follower: Follower | null = null;
  #link: Link | null = null;
  #via: Via | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #prune: ReturnType<typeof setTimeout> | undefined;
  #sorting = false;
  readonly #api: Api;

  constructor(base: string, private readonly query: Record<string, string | number>, private readonly ways: readonly Via[]) {
    this.#api = new Api(base);
  }

  get size(): number {
    return this.#followed.size;
  }

  has(run: string): boolean {
    return this.#followed.has(run);
  }

  add(run: string, reader: Reader): void {
    const known = this.#followed.get(run);
    if (known) {
      void this.#join(run, known, reader);
      return;
    }
    this.#followed.set(run, { cursor: reader.cursor, states: 0, readers: new Set([reader]), joining: new Set() });
    this.#openSoon();
  }

  /** `reader` is gone. */
  remove(reader: Reader): void {
    for (const followed of this.#followed.values()) followed.readers.delete(reader);
    clearTimeout(this.#prune);
    if (this.#idle) this.#open();
    else this.#prune = setTimeout(() => [...this.#followed.values()].some(isIdle) && this.#open(), PRUNE_MS);
  }

  retryNow(): void {
    this.#follower?.retryNow();
  }

  rouse(silentMs: number): void {
    this.#follower?.rouse(silentMs);
  }

  get #idle(): boolean {
    return [...this.#followed.values()].every(isIdle);
  }

  #openSoon(): void {
    this.#soon ??= setTimeout(() => this.#open(), SOON_MS);
  }

  /** Follow those runs that somebody reads, from where the stream stands; in the way that worked last. */
  #open(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#via = this.#follower?.via ?? this.#via;
    this.#follower?.stop();
    this.#follower = null;
    for (const [run, followed] of this.#followed) if (isIdle(followed)) this.#followed.delete(run);
    if (this.#followed.size === 0) {
      this.#link = null;
      return;
    }
    this.#follower = this.#newFollower();
    void this.#follower.run();
  }

  #newFollower(): Follower {
    // Not those that come in later: where they stand this stream does not know.
    const mine = new Map(this.#followed);
    const runs = [...mine.keys()];
    const address = (cursor: string): string =>
      withQuery(`${this.#api.base}api/stream`, { ...this.query, runs: runs.join(","), cursor });
    const batches = new Batches([...mine].map(([run, { cursor }]) => [run, cursor]));
    const follower = new Follower(batches.cursor, {
      stream: address,
      socket: address,
      quiet: () => this.#api.events(runs[0] as string, { types: "run_ended", cursor: "end" }),
      poll: null,
      ask: asks(this.#api, runs, this.query, this.ways.includes("stream")),
      ways: this.ways,
      onMessage: (message) => batches.hear(message),
      onBatch: () => {
        const came = batches.take(follower.cursor);
        // A log that begins anew has its readers begin anew, too: they ask for what there is, and come back.
        follower.cursor = batches.cursor;
        for (const [run, batch] of came) this.#tell(run, mine.get(run) as Followed, batch);
      },
      onLink: (link) => this.#onLink(link),
    }, this.#via);
    return follower;
  }

  #tell(run: string, followed: Followed, batch: Batch): void {
    followed.cursor = batch.after;
    followed.states += batch.messages.filter(({ event }) => event === "state").length;
    for (const joining of followed.joining) {
      joining.reset ||= batch.messages.some(({ event }) => event === "reset");
      if (joining.held.push(batch) > MOST_HELD) Object.assign(joining, { from: followed.cursor, held: [] });
    }
    for (const reader of [...followed.readers]) {
      if (reader.hear(batch)) continue;
      followed.readers.delete(reader);
      void this.#join(run, followed, reader);
    }
  }

  /** Bring a reader up to where the stream is. */
  async #join(run: string, followed: Followed, reader: Reader): Promise<void> {
    const joining: Joining = { from: followed.cursor, held: [], reset: false };
    const backoff = new Backoff();
    followed.joining.add(joining);
    while (!reader.gone && this.#followed.get(run) === followed) {
      if (joining.reset) reader.take([RESET], "0");
      else if (covers(reader.cursor, joining.from) && joining.held.every((batch) => reader.hear(batch))) {
        followed.readers.add(reader);
        break;
      }
      Object.assign(joining, { from: followed.cursor, held: [], reset: false });
      if (await this.#catchUp(run, reader)) backoff.reset();
      else await pause(backoff.next());
    }
    followed.joining.delete(joining);
    if (reader.gone) this.remove(reader);
    else if (!followed.readers.has(reader)) void this.#comeBack(run, reader, await this.#refusalOf(run));
    else {
      if (this.#link) reader.link(this.#link);
      void this.#tellState(run, followed, reader);
    }
  }

  /** Ask for what lies ahead of a reader; false where that brought it no further. */
  async #catchUp(run: string, reader: Reader): Promise<boolean> {
    const from = reader.cursor;
    try {
      const query = { types: this.query.types, cursor: from, cursors: 1, limit: PAGE };
      const { events, cursors, cursor, reset } = await getJson<EventsAnswer>(this.#api.events(run, query), inTime(1));
      const messages = events.map((event, at): Message => {
        return { event: "", data: typeof event === "string" ? event : JSON.stringify(event), id: cursors?.[at] ?? cursor };
      });
      reader.take(reset ? [RESET, ...messages] : messages, cursor);
      return reset || cursor !== from;
    } catch (error) {
      if (error instanceof ApiError && error.final) reader.link(refusal(error));
      else if (this.#link) reader.link(this.#link);
      return false;
    }
  }

  /** Tell the State to one who came too late for that with which the stream began. */
  async #tellState(run: string, followed: Followed, reader: Reader): Promise<void> {
    const { states } = followed;
    const backoff = new Backoff();
    // What the stream tells meanwhile is newer.
    const isNew = (): boolean => !reader.gone && followed.states === states;
    for (let tries = 1; this.query.state && isNew(); tries++) {
      try {
        const state = await getJson<unknown>(this.#api.state(run, { rows: this.query.rows }), inTime(tries));
        if (isNew()) reader.take([{ event: "state", data: JSON.stringify(state), id: null }], reader.cursor);
        return;
      } catch {
        await pause(backoff.next());
      }
    }
  }

  #onLink(link: Link): void {
    this.#link = link.kind === "connecting" && this.#link ? this.#link : link;
    if (link.kind === "refused" && this.#followed.size > 1) void this.#sortOut();
    else for (const { readers } of this.#followed.values()) for (const reader of readers) reader.link(link);
  }

  /** One run that is not to be had (any more) keeps the others' stream from being opened: take it out. */
  async #sortOut(): Promise<void> {
    if (this.#sorting) return;
    this.#sorting = true;
    let out = 0;
    for (const [run, followed] of [...this.#followed]) {
      const refused = await this.#refusalOf(run);
      if (!refused || refused.status === 401 || this.#followed.get(run) !== followed) continue;
      out++;
      this.#followed.delete(run);
      for (const reader of followed.readers) void this.#comeBack(run, reader, refused);
    }
    this.#sorting = false;
    if (out > 0) this.#open();
    else for (const { readers } of this.#followed.values()) for (const reader of readers) reader.link(this.#link as Link);
  }

  async #comeBack(run: string, reader: Reader, refused: ApiError | null): Promise<void> {
    while (refused && !reader.gone) {
      reader.link(refusal(refused));
      await pause(RETRY_MS);
      refused = await this.#refusalOf(run);
    }
    if (!reader.gone) this.add(run, reader);
  }

  async #refusalOf(run: string): Promise<ApiError | null> {
    try {
      await getJson(this.#api.events(run, { cursor: "end", limit: 1 }), inTime(1));
    } catch (error) {
      if (error instanceof ApiError && error.final) return error;
    }
    return null;
  }
}

function isIdle({ readers, joining }: Followed): boolean {
  return readers.size === 0 && joining.size === 0;
}

function refusal({ status, title, detail }: ApiError): Link {
  return { kind: "refused", since: Date.now(), status, title, detail };
}
