import type { Series, XAxis } from "./series";
import { bearable, smooth } from "./smooth";
import { thin } from "./thin";

/** What is drawn of one branch of a curve: sorted by x; NaN is a gap. */
export interface Drawn {
  x: number[];
  raw: number[];
  smoothed: number[] | null;
}

/** How a chart shows its curves. */
export interface Look {
  axis: XAxis;
  /** 0 is raw. */
  smoothing: number;
  /** Part of the x-axis that is looked at; null is all. */
  from: number | null;
  to: number | null;
  /** Unix time that counts as zero on the time axis. */
  zero: number;
  /** Whether the axis is logarithmic: it has no place for 0 and less. */
  logX?: boolean;
}

/**
 * Split a curve into what counts and the branches that were abandoned, thinned to about `target` points. Points of
 * which the axis knows no place are left out.
 */
export function drawnOf(series: Series, look: Look, target: number): { main: Drawn; abandoned: Drawn[] } {
  const kept: number[] = [];
  const branches = new Map<number, number[]>();
  for (let i = 0; i < series.length; i++) {
    if (!hasPlace(xOf(series, i, look), look)) continue;
    if (!series.abandoned.at(i)) {
      kept.push(i);
      continue;
    }
    const attempt = series.attempt.at(i);
    const branch = branches.get(attempt) ?? [];
    branch.push(i);
    branches.set(attempt, branch);
  }
  return {
    main: draw(series, kept, look, target),
    abandoned: [...branches.values()].map((branch) => draw(series, branch, { ...look, smoothing: 0 }, target)),
  };
}

function draw(series: Series, indices: number[], look: Look, target: number): Drawn {
  const x = Float64Array.from(indices, (index) => xOf(series, index, look));
  const order = sorted(x) ? null : [...x.keys()].sort((a, b) => (x[a] as number) - (x[b] as number));
  const xs = order ? Float64Array.from(order, (i) => x[i] as number) : x;
  const ys = Float64Array.from(order ?? indices, (i) => series.value.at(order ? (indices[i] as number) : i));
  const weight = isByEpoch(series, indices) ? 0 : bearable(look.smoothing, indices.length);
  const smoothed = weight > 0 ? smooth(ys, weight) : null;
  const [from, to] = visible(xs, look);
  const chosen = thin(ys, target, from, to);
  return {
    x: chosen.map((i) => xs[i] as number),
    raw: chosen.map((i) => ys[i] as number),
    smoothed: smoothed && chosen.map((i) => smoothed[i] as number),
  };
}

/** Whether there is at most one point for each epoch: each is a mean already. */
function isByEpoch(series: Series, indices: readonly number[]): boolean {
  const epochs = series.epoch.at(indices.at(-1) ?? -1) - series.epoch.at(indices[0] ?? -1);
  return (series.thinned ? series.count : indices.length) <= epochs + 1;
}

function xOf(series: Series, index: number, look: Look): number {
  const x = series.x(look.axis, index);
  return look.axis === "time" ? x - look.zero : x;
}

function hasPlace(x: number, { logX }: Look): boolean {
  return logX ? x > 0 : !Number.isNaN(x);
}

function sorted(x: Float64Array): boolean {
  for (let i = 1; i < x.length; i++) if ((x[i] as number) < (x[i - 1] as number)) return false;
  return true;
}

/** The points in view and one more on either side, so that lines run to the edge. */
function visible(x: Float64Array, look: Look): [number, number] {
  let from = 0;
  let to = x.length;
  if (look.from !== null) while (from < to - 1 && (x[from + 1] as number) < look.from) from++;
  if (look.to !== null) while (to > from + 1 && (x[to - 2] as number) > look.to) to--;
  return [from, to];
}

/** A cell of a merged column: null is a gap, undefined where the line has no point at this x. */
export type Cell = number | null | undefined;

/** Put lines over one common x column, as the chart library wants it. Points at equal x stay separate rows. */
export function merge(lines: readonly { x: number[]; y: number[] }[]): { x: number[]; columns: Cell[][] } {
  const at = lines.map(() => 0);
  const x: number[] = [];
  const columns: Cell[][] = lines.map(() => []);
  for (;;) {
    let next = Infinity;
    for (let k = 0; k < lines.length; k++) {
      const candidate = (lines[k] as { x: number[] }).x[at[k] as number];
      if (candidate !== undefined && candidate < next) next = candidate;
    }
    if (next === Infinity) return { x, columns };
    x.push(next);
    for (let k = 0; k < lines.length; k++) {
      const line = lines[k] as { x: number[]; y: number[] };
      const i = at[k] as number;
      const here = line.x[i] === next;
      (columns[k] as Cell[]).push(here ? cell(line.y[i] as number) : undefined);
      if (here) at[k] = i + 1;
    }
  }
}

function cell(y: number): number | null {
  return Number.isFinite(y) ? y : null;
}
