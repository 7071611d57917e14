import { merge, drawnOf, type Cell, type Look } from "./lines";
import type { LineSpec } from "./charts";
import type { Curves } from "./curves";
import { placeOn } from "./series";

/** More rows nobody reads; where there are more points, minima and maxima stay among those that are shown. */
export const MOST_ROWS = 500;

/** One line of a chart over the part that is shown: how it went. */
export interface Course {
  label: string;
  metric: string;
  /** Points that have a value. */
  points: number;
  /** Points that are no number, or infinite. */
  odd: number;
  first: number;
  last: number;
  low: number;
  lowAt: number;
  high: number;
  highAt: number;
}

export interface Table {
  courses: Course[];
  /** Where each row stands on the axis. */
  x: number[];
  /** A column for each course: null is a value that is no number, undefined none. */
  columns: Cell[][];
  /** Whether there are more points than rows. */
  thinned: boolean;
}

/** The measured values of a chart's lines, as a table and what to say about it. What a later attempt gave up is left out. */
export function tableOf(lines: readonly LineSpec[], curves: Pick<Curves, "of">, look: Look, [from, to]: readonly [number, number]): Table {
  const begin = look.from === null ? null : look.from + (look.axis === "time" ? look.zero : 0);
  const all = lines.flatMap(({ metric, label, ranks }) => (ranks ?? [metric]).map((name) => ({ name, label: ranks ? `${label} ${name}` : label })));
  const courses: Course[] = [];
  const parts: { x: number[]; y: number[] }[] = [];
  let thinned = false;
  for (const { name, label } of all) {
    const series = curves.of(name, placeOn(look.axis), begin);
    if (!series) continue;
    const { x, raw } = drawnOf(series, { ...look, smoothing: 0 }, Infinity).main;
    const kept = x.flatMap((at, i) => (at >= from && at <= to ? [i] : []));
    if (kept.length === 0) continue;
    const [xs, ys] = [kept.map((i) => x[i] as number), kept.map((i) => raw[i] as number)];
    courses.push(courseOf(label, name, xs, ys));
    const short = drawnOf(series, { ...look, smoothing: 0, from, to }, MOST_ROWS / all.length).main;
    const few = short.x.flatMap((at, i) => (at >= from && at <= to ? [i] : []));
    parts.push({ x: few.map((i) => short.x[i] as number), y: few.map((i) => short.raw[i] as number) });
    thinned ||= few.length < kept.length || series.thinned;
  }
  return { courses, thinned, ...merge(parts) };
}

function courseOf(label: string, metric: string, x: readonly number[], y: readonly number[]): Course {
  const finite = y.flatMap((held, i) => (Number.isFinite(held) ? [i] : []));
  const course = { label, metric, points: finite.length, odd: y.length - finite.length, first: NaN, last: NaN, low: NaN, lowAt: NaN, high: NaN, highAt: NaN };
  for (const i of finite) {
    const [held, at] = [y[i] as number, x[i] as number];
    if (Number.isNaN(course.first)) course.first = held;
    course.last = held;
    if (!(held >= course.low)) [course.low, course.lowAt] = [held, at];
    if (!(held <= course.high)) [course.high, course.highAt] = [held, at];
  }
  return course;
}

/** Less than this part of what lies between smallest and largest is no way that was gone. */
const STEADY = 0.1;

/** Where a line went, in a word. */
export function wayOf({ first, last, low, high }: Course): "rose" | "fell" | "ended about where it began" | "stayed the same" {
  if (high === low) return "stayed the same";
  const way = (last - first) / (high - low);
  return Math.abs(way) < STEADY ? "ended about where it began" : way > 0 ? "rose" : "fell";
}
