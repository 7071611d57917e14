import type { Rewind } from "../../client/api";
import { Column } from "./column";
import { thin } from "./thin";

/** Where a point may stand. */
export const PLACES = ["step", "batch", "epoch", "samples", "tokens", "time"] as const;
export type PlaceName = (typeof PLACES)[number];

/** The axes a curve can be drawn over: `time` is since the run began, `clock` is the time of day. */
export const X_AXES = [...PLACES, "clock"] as const;
export type XAxis = (typeof X_AXES)[number];

/** Where points stand that are drawn over an axis. */
export function placeOn(axis: XAxis): PlaceName {
  return axis === "clock" ? "time" : axis;
}

/** One measured value with all its x-axes; what is not known is NaN. */
export interface Point {
  value: number;
  step: number;
  batch: number;
  epoch: number;
  samples?: number;
  tokens?: number;
  time: number;
  attempt: number;
}

const THIN_ABOVE = 20_000;
const THIN_TO = 10_000;

/** The points of one metric, in the order they came. */
export class Series {
  readonly value = new Column();
  readonly step = new Column();
  readonly batch = new Column();
  readonly epoch = new Column();
  readonly samples = new Column();
  readonly tokens = new Column();
  readonly time = new Column();
  readonly attempt = new Column();
  /** 1 where the point belongs to a branch that a later attempt abandoned. */
  readonly abandoned = new Column();
  /** Points said in all, those that were thinned away with them. */
  count = 0;
  /** Whether points were thinned away, there or here. */
  thinned = false;
  /** Grows with every change: what was drawn of an older version is out of date. */
  version = 0;
  #rewinds: readonly Rewind[] = [];
  #extents = Object.fromEntries(PLACES.map((place) => [place, [Infinity, -Infinity]])) as Record<PlaceName, [number, number]>;

  get length(): number {
    return this.value.length;
  }

  append(point: Point): void {
    this.count++;
    this.#push(point);
    if (this.length >= THIN_ABOVE) this.#thin();
  }

  /** Take over what the server thinned: `count` points, of which these are kept. */
  load(points: Iterable<Point>, count: number, thinned: boolean): void {
    for (const point of points) this.#push(point);
    this.count += count;
    this.thinned ||= thinned;
  }

  /** Mark what `rewinds` abandoned. Harmless to repeat. */
  rewind(rewinds: readonly Rewind[]): void {
    if (rewinds.length === this.#rewinds.length) return;
    this.#rewinds = rewinds;
    for (let i = 0; i < this.length; i++) this.abandoned.set(i, this.#isAbandoned(i));
    this.version++;
  }

  /** How far along `axis` the point stands; NaN where that is not known. */
  x(axis: XAxis, index: number): number {
    const known = this[placeOn(axis)].at(index);
    return Number.isNaN(known) && axis === "batch" ? this.step.at(index) : known;
  }

  /** How far along `axis` each point stands: valid until the next change. */
  xs(axis: XAxis): Float64Array {
    const known = this[placeOn(axis)].view();
    return axis === "batch" ? known.map((x, i) => (Number.isNaN(x) ? this.step.at(i) : x)) : known;
  }

  /** The smallest and the largest x; `Infinity` and `-Infinity` while there is none. */
  extent(axis: XAxis): readonly [number, number] {
    return this.#extents[placeOn(axis)];
  }

  #push(point: Point): void {
    this.value.push(point.value);
    this.step.push(point.step);
    this.batch.push(point.batch);
    this.epoch.push(point.epoch);
    this.samples.push(point.samples ?? NaN);
    this.tokens.push(point.tokens ?? NaN);
    this.time.push(point.time);
    this.attempt.push(point.attempt);
    this.abandoned.push(this.#isAbandoned(this.length - 1));
    this.#widen("step", point.step);
    this.#widen("batch", Number.isNaN(point.batch) ? point.step : point.batch);
    this.#widen("epoch", point.epoch);
    this.#widen("samples", point.samples);
    this.#widen("tokens", point.tokens);
    this.#widen("time", point.time);
    this.version++;
  }

  #widen(place: PlaceName, x: number | undefined): void {
    if (x === undefined) return;
    const extent = this.#extents[place];
    if (x < extent[0]) extent[0] = x;
    if (x > extent[1]) extent[1] = x;
  }

  #isAbandoned(index: number): number {
    if (this.#rewinds.length === 0) return 0;
    const attempt = this.attempt.at(index);
    const step = this.step.at(index);
    return this.#rewinds.some((rewind) => attempt < rewind.attempt && step > rewind.to_step) ? 1 : 0;
  }

  #thin(): void {
    const kept = thin(this.value.view(), THIN_TO);
    for (const column of [this.value, ...PLACES.map((place) => this[place]), this.attempt, this.abandoned]) {
      column.keep(kept);
    }
    this.thinned = true;
  }
}
