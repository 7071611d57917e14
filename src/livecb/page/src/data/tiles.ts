import type { MetricState } from "../../client/api";
import { toNumber, type Num } from "../../client/number";
import type { Series } from "./series";
import { byRank } from "./band";
import { change, count, value, valueBeside } from "./format";

/** A key value: what it is, how much, and what that means now. */
export interface Tile {
  key: string;
  value: string;
  /** Whether `note` says that it has never been better. */
  best: boolean;
  note: string;
}

/**
 * The names of the metrics that tell most, at most `limit`. A rate that stands still tells nothing beside others;
 * neither does, where `said` are the names of tiles of a search, what one of them says already, or a trial's course.
 */
export function telling(metrics: Record<string, MetricState>, limit: number, said: readonly string[] = []): string[] {
  const goals = new Map<string, string>();
  const known = new Set(said.map(plain));
  // One rank speaks for all.
  const ranks = byRank(Object.keys(metrics));
  const all = Object.entries(metrics).filter(([name]) => ranks.has(name)).filter(([name]) => known.size === 0 || !(known.has(plain(name)) || TRIAL.test(name)));
  const moving = all.filter(([name, state]) => !RATE.test(name) || toNumber(state.min) !== toNumber(state.max));
  return (moving.length > 0 ? moving : all)
    .map(([name, state], place) => {
      const first = state.goal && !isMeasured(state) ? (goals.get(state.goal) ?? state.chart) : state.chart;
      if (state.goal && !isMeasured(state)) goals.set(state.goal, first);
      // The parts of a training loss tell less than the loss, and less than the learning rate. The losses of
      // two players, which share a chart, are none of each other's parts.
      const again = first !== state.chart;
      return { name, score: score(name, state) - (again ? 1 : 0), place };
    })
    .sort((a, b) => b.score - a.score || a.place - b.place)
    .slice(0, limit)
    .map(({ name }) => name);
}

const RATE = /(^|\/)(lr|learning_rate)\b/;
const TRIAL = /\btrial \d+$/;

/** A name by its words: `best_value` is `best value`. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, " ");
}

function isMeasured(state: MetricState): boolean {
  return /val|eval|test|dev/.test(state.context ?? state.series);
}

function score(name: string, state: MetricState): number {
  // What an evaluation took, in seconds or samples, tells less than what it found.
  const measured = isMeasured(state) ? (state.goal ? 8 : 1) : 0;
  const quality = state.goal === "max" ? (measured ? 5 : 3) : state.goal === "min" ? 4 : 0;
  const rate = RATE.test(name) ? 3.5 : 0;
  const detail = /_step$|_epoch$|grad|time|second|memory|per_/.test(name) ? -3 : 0;
  return measured + quality + rate + detail;
}

/** How a value of a metric is written: as a count where all its values are. */
export function written(number: Num | null | undefined, metric: MetricState): string {
  return value(toNumber(number), 4, isCount(metric));
}

/** The latest value of a metric, the same wherever it stands: told from the one before it. */
export function latest(metric: MetricState): string {
  return valueBeside(toNumber(metric.value), metric.previous === null ? null : toNumber(metric.previous), isCount(metric));
}

function isCount(metric: MetricState): boolean {
  const known = [metric.value, metric.previous, metric.min, metric.max].map((held) => toNumber(held));
  return known.every((held) => Number.isInteger(held) || !Number.isFinite(held));
}

/** What a tile shows for a metric; `series` gives the way it came. */
export function tileOf(name: string, state: MetricState, series: Series | undefined): Tile {
  const now = toNumber(state.value);
  const best = state.best === null ? null : toNumber(state.best);
  const tile = { key: name, value: latest(state) };
  if (!Number.isFinite(now)) {
    const where = state.step === null ? "" : ` at step ${count(state.step)}`;
    return { ...tile, best: false, note: `not a finite number${where}` };
  }
  const seldom = state.context !== "train" && state.series !== "train";
  if (state.goal && best !== null && seldom) {
    if (best === now && state.best_step === state.step) return { ...tile, best: true, note: at(state.step) };
    const how = best === now ? "as good as the best" : `best ${valueBeside(best, now)}`;
    return { ...tile, best: false, note: how + at(state.best_step) };
  }
  return { ...tile, best: false, note: lately(now, series) };
}

function at(step: number | null): string {
  return step === null ? "" : ` · step ${count(step)}`;
}

/** How a value moved: the mean of the last hundred steps against the hundred before, or since when it stands still. */
function lately(now: number, series: Series | undefined): string {
  if (!series || series.length < 2) return "first value";
  const end = series.length - 1;
  const lastStep = series.step.at(end);
  if (Number.isNaN(lastStep)) return `${change(now - series.value.at(end - 1))} since the value before`;
  let same = end;
  while (same > 0 && series.value.at(same - 1) === now) same--;
  if (end - same >= 3) return same === 0 ? "constant so far" : `since step ${count(series.step.at(same))}`;
  const span = Math.min(100, Math.floor((lastStep - series.step.at(0)) / 2));
  if (span < 1) return `${change(now - series.value.at(end - 1))} since the value before`;
  const [recent, before] = [mean(series, lastStep - span, lastStep), mean(series, lastStep - 2 * span, lastStep - span)];
  // Of a long curve that was thinned there may be nothing in so few steps.
  if (Number.isNaN(recent - before)) return `${change(now - series.value.at(end - 1))} since step ${count(series.step.at(end - 1))}`;
  return `${change(recent - before)} in ${count(span)} step${span === 1 ? "" : "s"}, on average`;
}

/** The mean of the values after step `from`, up to and with step `to`. */
function mean(series: Series, from: number, to: number): number {
  let sum = 0;
  let points = 0;
  for (let i = series.length - 1; i >= 0 && series.step.at(i) > from; i--) {
    const measured = series.value.at(i);
    if (series.step.at(i) > to || series.abandoned.at(i) || !Number.isFinite(measured)) continue;
    sum += measured;
    points++;
  }
  return sum / points;
}
