import { Api, type EventsAnswer } from "../../client/api";
import { Backoff } from "../../client/backoff";
import { ApiError } from "../../client/errors";
import { Follower } from "../../client/follow";
import { getJson, withQuery } from "../../client/http";
import type { Link, Via } from "../../client/link";
import type { Message } from "../../client/sse";
import { covers, placeIn, together } from "./cursors";
import { pause } from "./pause";
import type { Reader } from "./reader";
import { asks } from "./questions";

/** A run in the stream: how far that has come, who takes it, and who is about to. */
interface Followed {
  cursor: string;
  readers: Set<Reader>;
  joining: Set<Joining>;
}

/** One who catches up with the stream: what the stream said meanwhile, by where it stood after it. */
interface Joining {
  held: { cursor: string; messages: Message[] }[];
}

/** Runs that come in together are asked for together. */
const SOON_MS = 20;
/** A run that nobody follows any more is taken out of the stream after a while: a page that is loaded anew comes back. */
const PRUNE_MS = 10_000;
const RETRY_MS = 5_000;
const PAGE = 1000;
/** One who is ahead of the stream lets it come. */
const AHEAD_MS = 50;
/** Events that may come in while one who catches up asks once. */
const MOST_HELD = 20_000;
/** Runs in one stream: their ids and places make its address, which proxies allow 8 kB. */
export const MOST_RUNS = 40;

/**
 * Several runs followed over one connection, each by any number of readers, each of whom gets every event once.
 *
 * The law: the stream goes on from where it stands. Who comes later asks for what lies between, and joins it there.
 */
export class Group {
  #followed = new Map<string, Followed>();
  #follower: Follower | null = null;
  #link: Link | null = null;
  #via: Via | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #prune: ReturnType<typeof setTimeout> | undefined;
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
    this.#followed.set(run, { cursor: reader.cursor, readers: new Set([reader]), joining: new Set() });
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
    const mine = [...this.#followed];
    const runs = mine.map(([run]) => run);
    const address = (cursor: string): string =>
      withQuery(`${this.#api.base}api/stream`, { ...this.query, runs: runs.join(","), cursor });
    let news = new Map<string, Message[]>();
    let at = "";
    const follower = new Follower(together(mine.map(([run, { cursor }]) => [run, cursor])), {
      stream: address,
      socket: address,
      quiet: () => this.#api.events(runs[0] as string, { types: "run_ended", cursor: "end" }),
      poll: null,
      ask: asks(this.#api, runs, this.query, this.ways.includes("stream")),
      ways: this.ways,
      onMessage: ({ event, data, id }) => {
        if (event === "connected" || event === "heartbeat" || event === "cursor") return;
        const run = runs.includes(event) ? event : runOf(data);
        const messages = news.get(run) ?? [];
        if (!news.has(run)) news.set(run, messages);
        messages.push({ event: run === event ? "" : event, data, id: id === null ? null : placeIn(id, run) });
      },
      onBatch: () => {
        const [came, moved] = [news, follower.cursor !== at];
        news = new Map();
        at = follower.cursor;
        // Not those that came in since: where they stand this stream does not know.
        for (const [run, followed] of mine) {
          const messages = came.get(run) ?? [];
          if (moved) followed.cursor = placeIn(at, run);
          // A log that begins anew has its readers begin anew, too: they ask for what there is, and come back.
          else if (messages.some(({ event }) => event === "reset")) followed.cursor = "0";
          this.#tell(followed, messages);
        }
      },
      onLink: (link) => this.#onLink(link),
    }, this.#via);
    return follower;
  }

  #tell(followed: Followed, messages: Message[]): void {
    for (const reader of followed.readers) reader.take(messages, followed.cursor);
    for (const joining of followed.joining) {
      joining.held.push({ cursor: followed.cursor, messages });
      if (joining.held.length > MOST_HELD) joining.held = [{ cursor: followed.cursor, messages: [] }];
    }
  }

  /** Bring a reader up to where the stream is. */
  async #join(run: string, followed: Followed, reader: Reader): Promise<void> {
    const joining: Joining = { held: [] };
    const backoff = new Backoff();
    followed.joining.add(joining);
    while (!reader.gone && this.#followed.get(run) === followed) {
      joining.held = [{ cursor: followed.cursor, messages: [] }];
      try {
        const query = { types: this.query.types, cursor: reader.cursor, cursors: 1, limit: PAGE };
        const answer = await getJson<EventsAnswer>(this.#api.events(run, query));
        if (answer.reset) reader.take([{ event: "reset", data: "{}", id: null }], "0");
        if (reader.gone || answer.reset || join(followed, joining, reader, answer)) break;
        backoff.reset();
        if (answer.events.length === 0) await pause(AHEAD_MS);
      } catch (error) {
        if (error instanceof ApiError && error.final) reader.link(refusal(error));
        else if (this.#link) reader.link(this.#link);
        await pause(backoff.next());
      }
    }
    followed.joining.delete(joining);
    if (!reader.gone && !followed.readers.has(reader)) this.add(run, reader);
    else if (this.#link) reader.link(this.#link);
  }

  #onLink(link: Link): void {
    this.#link = link.kind === "connecting" && this.#link ? this.#link : link;
    if (link.kind === "refused" && this.#followed.size > 1) void this.#sortOut();
    else for (const { readers } of this.#followed.values()) for (const reader of readers) reader.link(link);
  }

  /** One run that is not to be had (any more) keeps the others' stream from being opened: take it out. */
  async #sortOut(): Promise<void> {
    let out = 0;
    for (const [run, followed] of [...this.#followed]) {
      const refused = await this.#refusalOf(run);
      if (!refused || refused.status === 401) continue;
      out++;
      this.#followed.delete(run);
      for (const reader of followed.readers) void this.#comeBack(run, reader, refused);
    }
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
      await getJson(this.#api.events(run, { cursor: "end", limit: 1 }));
    } catch (error) {
      if (error instanceof ApiError && error.final) return error;
    }
    return null;
  }
}

/**
 * Join a reader to the stream at the furthest place that the answer reaches, and that lies not behind the reader. Where
 * there is none the reader is given what the answer holds; false.
 */
function join(followed: Followed, { held }: Joining, reader: Reader, answer: EventsAnswer): boolean {
  const reached = held.map(({ cursor }) => covers(answer.cursor, cursor)).lastIndexOf(true);
  const place = held[reached]?.cursor;
  const upTo = place !== undefined && covers(place, reader.cursor) ? place : answer.cursor;
  const messages = answer.events.flatMap((event, at): Message[] => {
    const id = answer.cursors?.[at] ?? answer.cursor;
    return covers(upTo, id) ? [{ event: "", data: typeof event === "string" ? event : JSON.stringify(event), id }] : [];
  });
  reader.take(messages, upTo);
  if (upTo !== place) return false;
  for (const { cursor, messages } of held.slice(reached + 1)) reader.take(messages, cursor);
  followed.readers.add(reader);
  return true;
}

function isIdle({ readers, joining }: Followed): boolean {
  return readers.size === 0 && joining.size === 0;
}

function refusal({ status, title, detail }: ApiError): Link {
  return { kind: "refused", since: Date.now(), status, title, detail };
}

/** Whose news it is. */
function runOf(data: string): string {
  return /^\{"run":"([\w.-]+)"/.exec(data)?.[1] ?? (JSON.parse(data) as { run: string }).run;
}
