import {
  Api, type Appended, type Asked, type CheckpointPage, type Comparison, type EventPage, type ImagePage, type Kept,
  type LeaderboardPage, type LogPage, type NotePage, type Place, type RunPage, type RunRow, type RunState, type SamplePage,
  type SeriesPage, type ValuePage,
} from "./api.js";
import { place } from "./address.js";
import { Baselines } from "./baselines.js";
import { RunEvents, type FollowOptions, type Source } from "./events.js";
import type { FileRef, LivecbEvent, Note } from "./generated/events.js";
import { ask, getJson, type Asking, type Query } from "./http.js";
import { LiveRun } from "./live.js";

/** A part of the events: `types` are event types (`metrics`) and channels (`training`, `logs`). */
export interface EventsOptions {
  from?: string;
  types?: readonly string[];
  limit?: number;
  /** Seconds to wait for the first one, up to 30. */
  wait?: number;
  signal?: AbortSignal;
}

/** What makes one value of a `set`, or says more of a command. */
export interface SendOptions {
  /** What to set. */
  parameter?: string;
  /** What to set it to; of a `pause`, the seconds it lasts at most. */
  value?: number | boolean | string;
  /** Who asks. */
  by?: string;
  /** Seconds after which it is not to be obeyed any more. */
  within?: number;
}

/**
 * Runs on a livecb server: listed, read, followed, steered. The same verbs as Python's `livecb.Client`.
 *
 * Every method raises `ApiError`, or a kind of it, when the server says no, and `ServerError` when it does not answer.
 */
export class Client {
  /** What runs had reached, kept under names. */
  readonly baselines: Baselines;
  readonly #api: Api;
  readonly #token: string | null;

  /**
   * @param address The server's address, as livecb prints it: its token may stand in it. Left out: the server that
   *   this module came from, as `/client.js`.
   * @param options `token` opens the server, where its address or a cookie of this page does not.
   */
  constructor(address?: string | URL, { token }: { token?: string } = {}) {
    const { base, token: said } = place(address);
    this.#api = new Api(base);
    this.#token = token ?? said;
    this.baselines = new Baselines(base, (path, asking) => this.#json(path, asking));
  }

  /** The server's root, ended by a slash. */
  get address(): string {
    return this.#api.base;
  }

  /** Runs, newest first; `status` may be `active` or `over`, `sort` `-started` or `metrics.val/loss`. */
  async list(query: {
    status?: string; project?: string; framework?: string; tag?: string | string[]; search?: string;
    archived?: boolean | "all"; sort?: string; limit?: number; after?: string;
  } = {}): Promise<RunRow[]> {
    const archived = { false: "0", true: "1", all: "all" }[String(query.archived ?? false)];
    return (await this.#json<RunPage>(this.#api.runs({ ...query, archived }))).runs;
  }

  /** How a run stands. Raises `RunNotFound`. */
  get(run: string, signal?: AbortSignal): Promise<RunState> {
    return this.#json(this.#api.run(run), signal ? { signal } : {});
  }

  /** Events after a cursor, as many as `limit` says. */
  events(run: string, { from = "0", types, limit, wait, signal }: EventsOptions = {}): Promise<EventPage & { events: LivecbEvent[] }> {
    const address = this.#api.events(run, { cursor: from, types: types?.join(","), limit, wait, cursors: 1 });
    return this.#json(address, signal ? { signal } : {});
  }

  /**
   * Events as they come, each once and in order, whatever breaks on the way: a connection that breaks is taken up
   * where it was; where something swallows streams, the client asks again and again instead, within 3 s.
   */
  follow(run: string, options: FollowOptions = {}): RunEvents {
    return new RunEvents(this.#source(run, { types: options.types?.join(",") }), options);
  }

  /** A store of what a view of one run needs, kept up to date while somebody subscribes to it. */
  live(run: string): LiveRun {
    return new LiveRun(this, run, this.#source(run, { state: 1 }));
  }

  /** Metrics as columns, thinned to `points` each with minima and maxima kept; `start` and `end` are places on `x`. */
  metrics(
    run: string, names?: string | readonly string[],
    { x = "step", points = 1000, start, end }: { x?: Place; points?: number; start?: number; end?: number } = {},
  ): Promise<SeriesPage> {
    const name = typeof names === "string" ? [names] : names;
    return this.#json(this.#api.series(run, { name, x, points, from: start, to: end }));
  }

  /** Every value of one metric as it was logged, a page at a time: `after` is the `next` of the page before. */
  values(
    run: string, name: string,
    { x, start, end, after, limit }: { x?: Place; start?: number; end?: number; after?: number; limit?: number } = {},
  ): Promise<ValuePage> {
    return this.#part(run, "metrics", { name, x, from: start, to: end, after, limit });
  }

  /** Lines of text: those of a level or a graver one, with all words of `search`; the `last` so many. */
  logs(
    run: string,
    { from, ...query }: { from?: string; level?: string; logger?: string; stream?: "stdout" | "stderr"; search?: string; limit?: number; last?: number } = {},
  ): Promise<LogPage> {
    return this.#part(run, "logs", { ...query, cursor: from });
  }

  /** The candidates of a search, the best first. */
  leaderboard(run: string, { limit }: { limit?: number } = {}): Promise<LeaderboardPage> {
    return this.#part(run, "leaderboard", { limit });
  }

  /** A page of samples, the newest first; `epoch` may be `none`. */
  samples(run: string, query: { epoch?: number | "none"; before?: number; limit?: number } = {}): Promise<SamplePage> {
    return this.#part(run, "samples", query);
  }

  /** A page of pictures and figures, the newest first. */
  images(run: string, query: { name?: string; before?: number; limit?: number } = {}): Promise<ImagePage> {
    return this.#part(run, "images", query);
  }

  /** The bytes of a file that an event names, or of a hash. */
  async file(run: string, file: string | FileRef): Promise<Blob> {
    return (await this.#ask(this.#api.file(run, hashOf(file)), { headers: { Accept: "*/*" } })).blob();
  }

  /** Where a file is, for `<img src>`: of use where the page has the server's cookie, or no token is needed. */
  fileAddress(run: string, file: string | FileRef): string {
    return this.#api.file(run, hashOf(file));
  }

  /** What readers and the training noted. */
  notes(run: string, { from, ...query }: { from?: string; limit?: number; last?: number } = {}): Promise<NotePage> {
    return this.#part(run, "notes", { ...query, cursor: from });
  }

  /** Write a note on a run, or on one step of it; every viewer sees it. */
  note(run: string, text: string, about: { author?: string; step?: number; epoch?: number } = {}): Promise<Note> {
    return this.#json(this.#api.part(run, "notes"), { method: "POST", body: { text, ...about } });
  }

  /** Checkpoints and artifacts: their `number`, and whether they are `available`. */
  async checkpoints(run: string): Promise<Kept[]> {
    return (await this.#part<CheckpointPage>(run, "checkpoints")).checkpoints;
  }

  /** The bytes of a checkpoint or an artifact; a folder comes as a tar. */
  async checkpoint(run: string, number: string): Promise<Blob> {
    const address = this.#api.part(run, `checkpoints/${encodeURIComponent(number)}`);
    return (await this.#ask(address, { headers: { Accept: "*/*" } })).blob();
  }

  /** All of a run: `jsonl` (every event), `csv` or `parquet` (every value of every metric). */
  async export(run: string, format: "jsonl" | "csv" | "parquet" = "jsonl"): Promise<Blob> {
    return (await this.#ask(this.#api.part(run, "export", { format }), { headers: { Accept: "*/*" } })).blob();
  }

  /**
   * Append events of a training elsewhere to a run, which is made where it is new. It may be called again with the same
   * place and events when no answer came: what is there already is not written again. No events at all say that the
   * training lives.
   *
   * @param at Where this part of the log ended: what the call before returned.
   * @returns The place to go on from.
   */
  async append(run: string, events: readonly LivecbEvent[], at = "0", { part }: { part?: string } = {}): Promise<string> {
    // The type stands first in a line, so that a reader need not parse what it does not want.
    const lines = events.map(({ type, ...more }) => `${JSON.stringify({ type, ...more })}\n`);
    const address = this.#api.events(run, { at, part });
    return (await this.#json<Appended>(address, { method: "POST", body: lines.join("") })).cursor;
  }

  /** How a run stands beside a baseline, or beside another run. */
  compare(run: string, to: { baseline: string } | { other: string }): Promise<Comparison> {
    return this.#part(run, "compare", "baseline" in to ? to : { with: to.other });
  }

  /**
   * Ask something of a run that goes on: `pause`, `resume`, `stop`, `save`, `evaluate`, `sample`, or `set` with a
   * parameter and a value. `command` events of the same id say what becomes of it. Raises `CommandRefused`.
   */
  send(run: string, name: string, options: SendOptions = {}): Promise<Asked> {
    return this.#json(this.#api.part(run, "commands"), { method: "POST", body: { name, ...options } });
  }

  /** Call a run something else; null: as it calls itself. */
  async rename(run: string, name: string | null): Promise<void> {
    await this.#change(run, { name });
  }

  /** Give a run these tags instead of those it has; null: its own. */
  async tag(run: string, tags: readonly string[] | null): Promise<void> {
    await this.#change(run, { tags });
  }

  /** Leave a run out of the list, or take it in again. */
  async archive(run: string, archived = true): Promise<void> {
    await this.#change(run, { archived });
  }

  /** Delete a run; `restore` brings it back, for some weeks. Raises `RunWritten`. */
  async delete(run: string): Promise<void> {
    await this.#json(this.#api.run(run), { method: "DELETE" });
  }

  /** Bring a deleted run back. */
  async restore(run: string): Promise<void> {
    await this.#json(`${this.address}api/trash/${encodeURIComponent(run)}`, { method: "POST" });
  }

  get #headers(): Record<string, string> {
    return this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
  }

  #source(run: string, query: Query): Source {
    const token = this.#token;
    return {
      headers: this.#headers,
      stream: (cursor) => this.#api.events(run, { ...query, cursor }),
      socket: (cursor) => this.#api.events(run, { ...query, cursor, token }),
      poll: (cursor) => this.#api.events(run, { types: query.types, cursor, cursors: 1 }),
    };
  }

  #change(run: string, labels: Record<string, unknown>): Promise<unknown> {
    return this.#json(this.#api.run(run), { method: "PATCH", body: labels });
  }

  #part<T>(run: string, name: string, query: Query = {}): Promise<T> {
    return this.#json(this.#api.part(run, name, query));
  }

  #json<T>(address: string, asking: Asking = {}): Promise<T> {
    return getJson(address, { ...asking, headers: { ...this.#headers, ...asking.headers } });
  }

  #ask(address: string, asking: Asking): Promise<Response> {
    return ask(address, { ...asking, headers: { ...this.#headers, ...asking.headers } });
  }
}

function hashOf(file: string | FileRef): string {
  return typeof file === "string" ? file : file.hash;
}
