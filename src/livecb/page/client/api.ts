import type { Totals, Checkpoint, Alert, Note, System, ModelCompleted, Sample, Image, Figure } from "./generated/events";
import type { Num } from "./number";

/** Going back to a checkpoint: what earlier attempts did after `to_step` is an abandoned branch. */
export interface Rewind {
  attempt: number;
  from_step: number | null;
  to_step: number;
  time: number;
}

/** The latest of one metric, as the server folded it. */
export interface MetricState {
  chart: string;
  series: string;
  context: string | null;
  count: number;
  value: Num;
  step: number | null;
  epoch: number | null;
  time: number;
  first: Num;
  min: Num | null;
  min_step: number | null;
  max: Num | null;
  max_step: number | null;
  goal: "min" | "max" | null;
  best: Num | null;
  best_step: number | null;
  best_time: number | null;
  previous: Num | null;
  nonfinite: number;
}

export interface ProgressState {
  fraction: number | null;
  done: number;
  total: number | null;
  unit: string;
  phase: string | null;
  rate: number | null;
  elapsed: number | null;
  left: number | null;
  finish: number | null;
  counters: Record<string, number>;
  fields: Record<string, unknown>;
}

export type RunStatus =
  | "starting" | "running" | "paused" | "stalled" | "evaluating" | "saving" | "predicting" | "sanity_checking"
  | "completed" | "failed" | "stopped" | "killed" | "crashed";

/** A row of the leaderboard: its place is the one it has now, null where it failed, and the folds that it rests on. */
export type Candidate = ModelCompleted & { place: number | null; folds_done?: number | null };

/** What is said of a run wherever it is shown. */
interface About {
  run: string;
  name: string;
  project: string | null;
  tags: string[];
  status: RunStatus;
  phase: string | null;
  framework: string | null;
  started: number | null;
  attempt_started: number | null;
  updated: number | null;
  ended: number | null;
  elapsed: number | null;
  attempt: number;
  progress: ProgressState | null;
}

/** What `GET /api/runs/{run}` answers: see the HTTP reference. */
export interface State extends About {
  cursor: string;
  events: number;
  now: number;
  message: string | null;
  alive: boolean;
  reason: string | null;
  error: string | null;
  traceback: string | null;
  stopped_by: string | null;
  versions: Record<string, string>;
  host: string;
  pid: number;
  world_size: number;
  argv: string[];
  resumed_step: number | null;
  rewinds: Rewind[];
  config: Record<string, unknown>;
  totals: Totals | null;
  step: number | null;
  batch: number | null;
  epoch: number | null;
  samples: number | null;
  tokens: number | null;
  metrics: Record<string, MetricState>;
  system: System | null;
  counts: Record<string, number>;
  lost: number;
  broken: number;
  newer: boolean;
  checkpoints: Checkpoint[];
  alerts: Alert[];
  notes: Note[];
  leaderboard: Candidate[];
  summary: Record<string, unknown>;
  result: unknown;
}

/** A run in the list. */
export interface RunRow extends About {
  metrics: Record<string, { value: Num; step: number | null }>;
}

/** The axes a point may stand on. */
export type Place = "step" | "batch" | "samples" | "tokens" | "epoch" | "time";

export interface SeriesColumns {
  chart: string;
  series: string;
  count: number;
  thinned: boolean;
  /** What `x` counts: `step` as asked, or the first axis that the points have. */
  axis: Place;
  x: (Num | null)[];
  y: Num[];
  step: (number | null)[];
  batch: (number | null)[];
  time: (number | null)[];
  epoch: (number | null)[];
  attempt: (number | null)[];
}

export interface SeriesAnswer {
  cursor: string;
  series: Record<string, SeriesColumns>;
  rewinds: Rewind[];
}

/** The mean of a score over those that were finite, and how many they were. */
export interface Mean {
  mean: number;
  count: number;
}

interface Page {
  cursor: string;
  /** All there are, of whichever epoch or name. */
  total: number;
  /** Those that were asked for. */
  count: number;
  /** The place among them, counted from the oldest, that the first one stands before. */
  before: number;
}

export interface SamplesAnswer extends Page {
  epochs: { epoch: number | null; count: number; scores: Record<string, Mean> }[];
  samples: Sample[];
}

export interface ImagesAnswer extends Page {
  names: { name: string; count: number }[];
  images: (Image | Figure)[];
}

export interface EventsAnswer {
  cursor: string;
  reset: boolean;
  alive: boolean;
  events: unknown[];
}

/** The server said no: what it said, for a person. */
export class Refused extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string) {
    super(`${title}: ${detail}`);
  }

  /** Whether asking again cannot help. */
  get final(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
}

/** The addresses of the API under `base`. */
export class Api {
  constructor(readonly base: string) {}

  runs(): string {
    return `${this.base}api/runs`;
  }

  run(run: string): string {
    return `${this.runs()}/${encodeURIComponent(run)}`;
  }

  series(run: string, query: Record<string, string | number>): string {
    return this.#part(run, "series", query);
  }

  events(run: string, query: Record<string, string | number>): string {
    return this.#part(run, "events", query);
  }

  samples(run: string, query: Record<string, string | number>): string {
    return this.#part(run, "samples", query);
  }

  images(run: string, query: Record<string, string | number>): string {
    return this.#part(run, "images", query);
  }

  file(run: string, hash: string): string {
    return `${this.run(run)}/files/${hash}`;
  }

  #part(run: string, name: string, query: Record<string, string | number>): string {
    return `${this.run(run)}/${name}?${pairs(query)}`;
  }
}

function pairs(query: Record<string, string | number>): string {
  return Object.entries(query).map(([key, held]) => `${key}=${encodeURIComponent(held)}`).join("&");
}

/** Fetch JSON. Raises `Refused` when the server answers with an error, and what `fetch` raises when it does not answer. */
export async function getJson<T>(address: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(address, { signal, headers: { Accept: "application/json" } });
  await check(response);
  return (await response.json()) as T;
}

/** Raise `Refused` unless the response is good. */
export async function check(response: Response): Promise<void> {
  if (response.ok) return;
  let title = response.statusText || `HTTP ${response.status}`;
  let detail = "";
  try {
    const { error } = (await response.json()) as { error: { title: string; detail: string } };
    title = error.title;
    detail = error.detail;
  } catch {
    // Not this server's own words: a proxy's, perhaps. The status must do.
  }
  throw new Refused(response.status, title, detail);
}
