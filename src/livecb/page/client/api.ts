import { withQuery, type Query } from "./http.js";
import type { Num } from "./number.js";
import type * as said from "./generated/answers.js";
import type { Alert, Audio, Checkpoint, Command, Figure, Histogram, Image, ModelCompleted, Note, Sample, System, Table, Totals } from "./generated/events.js";

export type {
  AccessGiven, Appended, Asked, Baseline, CheckpointPage, Comparison, Entry, ErrorPage, Flat, Kept, LatestValue,
  LogPage, NotePage, Problem, Rewind, RunDeleted, ShareMade, TokenMade, TokenRow, TrashPage, Trashed, Trend,
  Uploaded, ValuePage,
} from "./generated/answers.js";

/** `T` with some of its parts known better than the schema says. */
type Refined<T, Parts> = Omit<T, keyof Parts> & Parts;

/** A row of the leaderboard: its place is the one it has now, null where it failed, and the folds that it rests on. */
export type Candidate = ModelCompleted & { number: number; place: number | null; folds_done?: number | null };

/** How a run goes, or how it ended. */
export type RunStatus = said.RunState["status"];

/** The axes a point may stand on. */
export type Place = "step" | "batch" | "samples" | "tokens" | "epoch" | "time";

/** What can be asked of a run. */
export type Controls = NonNullable<said.RunState["controls"]>;

/** What a metric has come to. */
export type MetricState = Refined<said.MetricStats, { value: Num; first: Num; epoch: number | null; time: number; best_time: number | null }>;

/** How far a run is; `left` and `elapsed` in seconds, `finish` in Unix seconds. */
export type ProgressState = Refined<
  said.ProgressState,
  { done: number; total: number | null } & Record<"rate" | "elapsed" | "left" | "finish", number | null>
>;

/** A run in the list. */
export type RunRow = Refined<said.RunRow, { progress: ProgressState | null }>;

/** How a run stands. */
export type RunState = Refined<
  said.RunState,
  {
    progress: ProgressState | null;
    metrics: Record<string, MetricState>;
    leaderboard: Candidate[];
    system: System | null;
    totals: Totals | null;
  } & Record<"step" | "batch" | "epoch" | "samples" | "tokens", number | null>
>;
export type State = RunState;

/** Runs that match; `next` is the `after` of the next page. */
export type RunPage = Refined<said.RunPage, { runs: RunRow[] }>;

/** Points of one metric by columns; `axis` is what `x` counts. */
export type SeriesColumns = Refined<
  said.SeriesColumns, { axis: Place; y: Num[] } & Record<"step" | "batch" | "epoch" | "attempt", (number | null)[]>
>;
/** Metrics by name, as they stand at `cursor`. */
export type SeriesPage = Refined<Pick<said.SeriesPage, "cursor" | "rewinds">, { series: Record<string, SeriesColumns> }>;
export type SeriesAnswer = SeriesPage;

/** Lines as they stand in the log. */
export type EventPage = Refined<said.EventPage, { events: unknown[] }>;
export type EventsAnswer = EventPage;

export type LeaderboardPage = Refined<said.LeaderboardPage, { leaderboard: Candidate[] }>;
/** Samples, the newest first. */
export type SamplePage = Refined<said.SamplePage, { samples: Sample[] }>;
export type SamplesAnswer = SamplePage;
/** Pictures, the newest first. */
export type ImagePage = Refined<said.ImagePage, { images: (Image | Figure)[] }>;
export type ImagesAnswer = ImagePage;

/** Sounds, histograms or tables, the newest first. */
export type MediaPage = Refined<said.MediaPage, { media: (Audio | Histogram | Table)[] }>;

/** What happened on a run's way. */
export type MarkEvent = Checkpoint | Alert | Note | Command;

export interface MarksAnswer {
  cursor: string;
  marks: MarkEvent[];
  left_out: number;
}

/** What the stream of the list of runs says. */
export interface RunsMessage {
  runs: RunRow[];
  now: number;
}

/** The addresses of the API under `base`. */
export class Api {
  constructor(readonly base: string) {}

  runs(query: Query = {}): string {
    return withQuery(`${this.base}api/runs`, query);
  }

  run(run: string): string {
    return `${this.base}api/runs/${encodeURIComponent(run)}`;
  }

  state(run: string, query: Query): string {
    return withQuery(this.run(run), query);
  }

  marks(run: string): string {
    return `${this.run(run)}/marks`;
  }

  series(run: string, query: Query): string {
    return this.part(run, "series", query);
  }

  events(run: string, query: Query): string {
    return this.part(run, "events", query);
  }

  samples(run: string, query: Query): string {
    return this.part(run, "samples", query);
  }

  images(run: string, query: Query): string {
    return this.part(run, "images", query);
  }

  file(run: string, hash: string): string {
    return this.part(run, `files/${encodeURIComponent(hash)}`);
  }

  /** What stands below a run. */
  part(run: string, name: string, query: Query = {}): string {
    return withQuery(`${this.run(run)}/${name}`, query);
  }
}
