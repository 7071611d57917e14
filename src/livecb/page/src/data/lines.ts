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
  const places = series.xs(look.axis);
  const zero = look.axis === "time" ? look.zero : 0;
  const kept = new Uint32Array(series.length);
  const branches = new Map<number, number[]>();
  let count = 0;
  for (let i = 0; i < kept.length; i++) {
    if (!hasPlace((places[i] as number) - zero, look)) continue;
    if (!series.abandoned.at(i)) {
      kept[count++] = i;
      continue;
    }
    const attempt = series.attempt.at(i);
    const branch = branches.get(attempt) ?? [];
    branch.push(i);
    branches.set(attempt, branch);
  }
  return {
    main: draw(series, places, kept.subarray(0, count), look, target),
    abandoned: [...branches.values()].map((branch) => draw(series, places, branch, { ...look, smoothing: 0 }, target)),
  };
}

// It runs for every line at every redraw: plain loops over typed arrays are a tenth of what `map` and `from` cost.
function draw(series: Series, places: Float64Array, indices: ArrayLike<number>, look: Look, target: number): Drawn {
  const zero = look.axis === "time" ? look.zero : 0;
  const values = series.value.view();
  let xs = new Float64Array(indices.length);
  let ys = new Float64Array(indices.length);
  let rises = true;
  for (let i = 0; i < xs.length; i++) {
    const x = (places[indices[i] as number] as number) - zero;
    if (i > 0 && x < (xs[i - 1] as number)) rises = false;
    xs[i] = x;
    ys[i] = values[indices[i] as number] as number;
  }
  if (!rises) {
    const order = [...xs.keys()].sort((a, b) => (xs[a] as number) - (xs[b] as number));
    [xs, ys] = [pick(xs, order), pick(ys, order)];
  }
  const weight = isByEpoch(series, indices) ? 0 : bearable(look.smoothing, indices.length);
  const smoothed = weight > 0 ? smooth(ys, weight) : null;
  const chosen = thin(ys, target, ...visible(xs, look));
  return { x: [...pick(xs, chosen)], raw: [...pick(ys, chosen)], smoothed: smoothed && [...pick(smoothed, chosen)] };
}

function pick(from: Float64Array, indices: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const picked = new Float64Array(indices.length);
  for (let i = 0; i < picked.length; i++) picked[i] = from[indices[i] as number] as number;
  return picked;
}

/** Whether there is at most one point for each epoch: each is a mean already. */
function isByEpoch(series: Series, indices: ArrayLike<number>): boolean {
  const epochs = series.epoch.at(indices[indices.length - 1] ?? -1) - series.epoch.at(indices[0] ?? -1);
  return (series.thinned ? series.count : indices.length) <= epochs + 1;
}

function hasPlace(x: number, { logX }: Look): boolean {
  return logX ? x > 0 : !Number.isNaN(x);
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
