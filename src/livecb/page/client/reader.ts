import {
  Api, type AccessGiven, type CheckpointPage, type Comparison, type Entry, type ErrorPage, type EventPage, type Flat,
  type ImagePage, type Kept, type LeaderboardPage, type LogPage, type MarksAnswer, type MediaPage, type NotePage, type Place,
  type RunPage, type RunRow, type RunState, type SamplePage, type SeriesPage, type TokenRow, type ValuePage,
} from "./api.js";
import { place } from "./address.js";
import { Baselines } from "./baselines.js";
import { RunEvents, type FollowOptions, type Source } from "./events.js";
import type { Figure, FileRef, Image, LivecbEvent, Sample } from "./generated/events.js";
import { ask, getJson, withQuery, type Asking, type Query } from "./http.js";
import { Tokens } from "./tokens.js";
import { Trash } from "./trash.js";

/** A part of the events: `types` are event types (`metrics`) and channels (`training`, `logs`). */
export interface EventsOptions {
  from?: string;
  types?: readonly string[];
  limit?: number;
  /** Seconds to wait for the first one, up to 30. */
  wait?: number;
  signal?: AbortSignal;
}

/** Which runs: `status` may be `active` or `over`, `sort` `-started` or `metrics.val/loss`. */
export interface RunQuery {
  status?: string;
  project?: string;
  framework?: string;
  tag?: string | string[];
  search?: string;
  archived?: boolean | "all";
  sort?: string;
}

/** Which media: `before` is that of the page before, less the number of lines that came. */
type Before = { before?: number; limit?: number };
type GoingOn = { from?: string; limit?: number; last?: number };

const PAGE = 200;

/** The verbs of a `Client` that change nothing. */
export class Reader {
  /** What runs had reached, kept under names. */
  readonly baselines: Baselines;
  /** Named tokens: who may do what. */
  readonly tokens: Tokens;
  /** Deleted runs. */
  readonly trash: Trash;
  protected readonly api: Api;
  readonly #token: string | null;

  /**
   * @param address The server's address, as livecb prints it: its token may stand in it. Left out: the server that
   *   this module came from, as `/client.js`.
   * @param options `token` opens the server, where its address or a cookie of this page does not.
   */
  constructor(address?: string | URL, { token }: { token?: string } = {}) {
    const { base, token: said } = place(address);
    this.api = new Api(base);
    this.#token = token ?? said;
    const json = <T>(path: string, asking?: Asking): Promise<T> => this.json(path, asking);
    this.baselines = new Baselines(base, json);
    this.tokens = new Tokens(base, json);
    this.trash = new Trash(base, json);
  }

  /** The server's root, ended by a slash. */
  get address(): string {
    return this.api.base;
  }

  /** Runs, newest first; `after` is the id of the last one of the page before. */
  async list(query: RunQuery & { limit?: number; after?: string } = {}): Promise<RunRow[]> {
    return (await this.#runs(query)).runs;
  }

  /** All runs that match, asked for page by page. */
  async *eachRun(query: RunQuery = {}): AsyncGenerator<RunRow, void> {
    let after: string | null | undefined;
    do {
      const page: RunPage = await this.#runs({ ...query, limit: PAGE, ...(after ? { after } : {}) });
      yield* page.runs;
      after = page.next;
    } while (after);
  }

  /** How a run stands. Raises `RunNotFound`. */
  get(run: string, signal?: AbortSignal): Promise<RunState> {
    return this.json(this.api.run(run), signal ? { signal } : {});
  }

  /** How a run stands, on one level. */
  flat(run: string): Promise<Flat> {
    return this.part(run, "flat");
  }

  /** Events after a cursor, as many as `limit` says. */
  events(run: string, { from = "0", types, limit, wait, signal }: EventsOptions = {}): Promise<EventPage & { events: LivecbEvent[] }> {
    const address = this.api.events(run, { cursor: from, types: types?.join(","), limit, wait, cursors: 1 });
    return this.json(address, signal ? { signal } : {});
  }

  /**
   * Events as they come, each once and in order, whatever breaks on the way: a connection that breaks is taken up
   * where it was; where something swallows streams, the client asks again and again instead, within 3 s.
   */
  follow(run: string, options: FollowOptions = {}): RunEvents {
    return new RunEvents(this.source(run, { types: options.types?.join(",") }), options);
  }

  /**
   * Metrics as columns, thinned to `points` each with minima and maxima kept; `start` and `end` are places on `x`.
   *
   * @param names Which; all if left out, none if there are none.
   */
  metrics(
    run: string, names?: string | readonly string[],
    { x = "step", points = 1000, start, end }: { x?: Place; points?: number; start?: number; end?: number } = {},
  ): Promise<SeriesPage> {
    const name = typeof names === "string" ? [names] : names;
    // A list of none would not stand in the query at all, which asks for all.
    return this.json(this.api.series(run, { name, names: name?.length === 0 ? "" : null, x, points, from: start, to: end }));
  }

  /** Every value of one metric as it was logged, a page at a time: `after` is the `next` of the page before. */
  values(
    run: string, name: string,
    { x, start, end, after, limit }: { x?: Place; start?: number; end?: number; after?: number; limit?: number } = {},
  ): Promise<ValuePage> {
    return this.part(run, "metrics", { name, x, from: start, to: end, after, limit });
  }

  /** Lines of text: those of a level or a graver one, with all words of `search`; the `last` so many. */
  logs(
    run: string,
    { from, ...query }: { from?: string; level?: string; logger?: string; stream?: "stdout" | "stderr"; search?: string; limit?: number; last?: number } = {},
  ): Promise<LogPage> {
    return this.part(run, "logs", { ...query, cursor: from });
  }

  /** What went wrong: errors in the log, alerts, candidates that failed, and how the run ended. */
  errors(run: string, { from, ...query }: GoingOn = {}): Promise<ErrorPage> {
    return this.part(run, "errors", { ...query, cursor: from });
  }

  /** Checkpoints, alerts, notes and answered commands: the newest of each. */
  marks(run: string): Promise<MarksAnswer> {
    return this.json(this.api.marks(run));
  }

  /** The candidates of a search, the best first. */
  leaderboard(run: string, { limit }: { limit?: number } = {}): Promise<LeaderboardPage> {
    return this.part(run, "leaderboard", { limit });
  }

  /** A page of samples, the newest first; `epoch` may be `none`. */
  samples(run: string, query: { epoch?: number | "none" } & Before = {}): Promise<SamplePage> {
    return this.part(run, "samples", query);
  }

  /** All samples, the newest first, asked for page by page. */
  eachSample(run: string, query: { epoch?: number | "none" } = {}): AsyncGenerator<Sample, void> {
    return this.#each((before) => this.samples(run, { ...query, limit: PAGE, ...before }), ({ samples }) => samples);
  }

  /** A page of pictures and figures, the newest first. */
  images(run: string, query: { name?: string } & Before = {}): Promise<ImagePage> {
    return this.part(run, "images", query);
  }

  /** All pictures and figures, the newest first, asked for page by page. */
  eachImage(run: string, query: { name?: string } = {}): AsyncGenerator<Image | Figure, void> {
    return this.#each((before) => this.images(run, { ...query, limit: PAGE, ...before }), ({ images }) => images);
  }

  /** A page of sounds, histograms or tables, the newest first. */
  media(run: string, type: "audio" | "histogram" | "table", query: { name?: string } & Before = {}): Promise<MediaPage> {
    return this.part(run, "media", { ...query, type });
  }

  /** The bytes of a file that an event names, or of a hash. */
  file(run: string, file: string | FileRef): Promise<Blob> {
    return this.blob(this.api.file(run, hashOf(file)));
  }

  /** Where a file is, for `<img src>`: of use where the page has the server's cookie, or no token is needed. */
  fileAddress(run: string, file: string | FileRef): string {
    return this.api.file(run, hashOf(file));
  }

  /** What readers and the training noted. */
  notes(run: string, { from, ...query }: GoingOn = {}): Promise<NotePage> {
    return this.part(run, "notes", { ...query, cursor: from });
  }

  /** Checkpoints and artifacts: their `number`, and whether they are `available`. */
  async checkpoints(run: string): Promise<Kept[]> {
    return (await this.part<CheckpointPage>(run, "checkpoints")).checkpoints;
  }

  /** The bytes of a checkpoint or an artifact; a folder comes as a tar. */
  checkpoint(run: string, number: string): Promise<Blob> {
    return this.blob(this.api.part(run, `checkpoints/${encodeURIComponent(number)}`));
  }

  /** The bytes of the best checkpoint, or of the final one. */
  model(run: string, which: "best" | "final" = "best"): Promise<Blob> {
    return this.blob(this.api.part(run, "model", { which }));
  }

  /** All of a run: `jsonl` (every event), `csv` or `parquet` (every value of every metric), or `html` (the page as one file). */
  export(run: string, format: "jsonl" | "csv" | "parquet" | "html" = "jsonl"): Promise<Blob> {
    return this.blob(this.api.part(run, "export", { format }));
  }

  /** How a run stands beside a baseline, or beside another run. */
  compare(run: string, to: { baseline: string } | { other: string }): Promise<Comparison> {
    return this.part(run, "compare", "baseline" in to ? to : { with: to.other });
  }

  /** What the token that this client brings may. */
  access(): Promise<AccessGiven> {
    return this.json(`${this.address}api/access`);
  }

  /** Who changed what, and from where, the newest first. */
  async audit({ limit }: { limit?: number } = {}): Promise<Entry[]> {
    return (await this.json<{ audit: Entry[] }>(withQuery(`${this.address}api/audit`, { limit }))).audit;
  }

  /** The links that show a run. */
  async shares(run: string): Promise<TokenRow[]> {
    return (await this.part<{ links: TokenRow[] }>(run, "share")).links;
  }

  get #headers(): Record<string, string> {
    return this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
  }

  protected source(run: string, query: Query): Source {
    const token = this.#token;
    return {
      headers: this.#headers,
      stream: (cursor) => this.api.events(run, { ...query, cursor }),
      socket: (cursor) => this.api.events(run, { ...query, cursor, token }),
      poll: (cursor) => this.api.events(run, { types: query.types, cursor, cursors: 1 }),
    };
  }

  #runs(query: RunQuery & { limit?: number; after?: string }): Promise<RunPage> {
    const archived = { false: "0", true: "1", all: "all" }[String(query.archived ?? false)];
    return this.json(this.api.runs({ ...query, archived }));
  }

  async *#each<P extends { before: number }, T>(
    ask: (query: { before?: number }) => Promise<P>, lines: (page: P) => readonly T[],
  ): AsyncGenerator<T, void> {
    let query: { before?: number } = {};
    for (;;) {
      const page = await ask(query);
      const found = lines(page);
      yield* found;
      query = { before: page.before - found.length };
      if (found.length === 0 || query.before === 0) return;
    }
  }

  protected part<T>(run: string, name: string, query: Query = {}): Promise<T> {
    return this.json(this.api.part(run, name, query));
  }

  protected json<T>(address: string, asking: Asking = {}): Promise<T> {
    return getJson(address, { ...asking, headers: { ...this.#headers, ...asking.headers } });
  }

  protected async blob(address: string): Promise<Blob> {
    return (await this.ask(address, { headers: { Accept: "*/*" } })).blob();
  }

  protected ask(address: string, asking: Asking): Promise<Response> {
    return ask(address, { ...asking, headers: { ...this.#headers, ...asking.headers } });
  }
}

function hashOf(file: string | FileRef): string {
  return typeof file === "string" ? file : file.hash;
}
