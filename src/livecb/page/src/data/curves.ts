import type { Place, Rewind, SeriesAnswer, SeriesColumns } from "../../client/api";
import type { Metrics } from "../../client/generated/events";
import { metricKey } from "./key";
import { toNumber } from "../../client/number";
import type { Detail } from "./detail";
import { Series, type Point, type XAxis } from "./series";

/** All curves of a run, by the metric's name. */
export class Curves {
  readonly byName = new Map<string, Series>();
  /** A part that is looked at more closely. */
  detail: Detail | null = null;
  /** The attempt that speaks now. */
  attempt = 1;
  /** The first point of each attempt after the first. */
  readonly begins = new Map<number, Omit<Point, "value">>();
  #rewinds: readonly Rewind[] = [];
  #places = new Map<string, Place>();

  /** Take the history as the server thinned it. */
  load(answer: SeriesAnswer, attempt: number): void {
    this.byName.clear();
    this.detail = null;
    this.begins.clear();
    this.#places.clear();
    this.attempt = attempt;
    this.#rewinds = answer.rewinds;
    for (const [name, columns] of Object.entries(answer.series)) {
      const series = this.#series(name);
      this.#places.set(name, columns.axis);
      series.load(pointsOf(columns), columns.count, columns.thinned);
      this.#noteBegins(series);
      this.attempt = Math.max(this.attempt, series.attempt.at(series.length - 1) || 1);
    }
    for (const rewind of answer.rewinds) this.attempt = Math.max(this.attempt, rewind.attempt);
  }

  /** A curve, as finely as it is known for the part that is looked at. */
  of(name: string, axis: XAxis, from: number | null): Series | undefined {
    const fine = this.detail?.fits(axis, from) ? this.detail.byName.get(name) : undefined;
    return fine ?? this.byName.get(name);
  }

  /** Append what one event measured. */
  append(event: Metrics): void {
    for (const [name, measured] of Object.entries(event.values)) {
      const key = metricKey(name, event.context ?? null, event.rank ?? 0);
      const place = this.#places.get(key) ?? firstPlace(event);
      this.#places.set(key, place);
      const series = this.#series(key);
      const point = {
        value: toNumber(measured),
        // What does not say where it stands, stands where the point before it stood.
        step: event[place] ?? series.step.at(series.length - 1),
        batch: event.batch ?? NaN,
        epoch: event.epoch ?? NaN,
        samples: event.samples ?? NaN,
        tokens: event.tokens ?? NaN,
        time: event.time,
        attempt: this.attempt,
      };
      series.append(point);
      if (this.attempt > 1 && !this.begins.has(this.attempt)) this.begins.set(this.attempt, point);
      this.detail?.byName.get(key)?.append(point);
    }
  }

  /** Append a point of a curve that no metrics event tells of. */
  put(name: string, point: Point): void {
    this.#series(name).append(point);
  }

  rewind(rewinds: readonly Rewind[]): void {
    this.#rewinds = rewinds;
    for (const series of [...this.byName.values(), ...(this.detail?.byName.values() ?? [])]) series.rewind(rewinds);
  }

  #noteBegins(series: Series): void {
    for (let i = 0, before = 1; i < series.length; i++) {
      const attempt = series.attempt.at(i);
      if (attempt === before) continue;
      before = attempt;
      const [step, batch] = [series.step.at(i), series.batch.at(i)];
      const [epoch, samples, tokens] = [series.epoch.at(i), series.samples.at(i), series.tokens.at(i)];
      const point = { step, batch, epoch, samples, tokens, time: series.time.at(i), attempt };
      if (attempt > 1 && !(point.time >= (this.begins.get(attempt)?.time ?? Infinity))) this.begins.set(attempt, point);
    }
  }

  #series(name: string): Series {
    let series = this.byName.get(name);
    if (!series) {
      series = new Series();
      series.rewind(this.#rewinds);
      this.byName.set(name, series);
    }
    return series;
  }
}

function firstPlace(event: Metrics): Place {
  const places: Place[] = ["step", "batch", "samples", "tokens", "epoch", "time"];
  return places.find((place) => event[place] != null) ?? "time";
}

/** The points of columns, as the server wrote them. */
export function* pointsOf(columns: SeriesColumns): Generator<Point> {
  for (let i = 0; i < columns.y.length; i++) {
    yield {
      value: toNumber(columns.y[i]),
      step: toNumber(columns.step[i] ?? columns.x[i]),
      batch: columns.batch[i] ?? NaN,
      epoch: columns.epoch[i] ?? NaN,
      samples: toNumber(columns.samples?.[i] ?? NaN),
      tokens: toNumber(columns.tokens?.[i] ?? NaN),
      time: columns.time[i] ?? NaN,
      attempt: columns.attempt[i] ?? 1,
    };
  }
}
