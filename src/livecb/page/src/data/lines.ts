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
  const kept = scratch("kept", series.length, Uint32Array);
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

type Numbers = Float64Array | Uint32Array;
const held = new Map<string, Numbers>();

/** An array of so many numbers, of any values, that is the caller's until somebody asks for the same name. */
function scratch<T extends Numbers>(name: string, length: number, make: new (length: number) => T): T {
  let found = held.get(name) as T | undefined;
  if (!found || found.length < length) held.set(name, (found = new make(length * 2)));
  return found.subarray(0, length) as T;
}

// It runs for every line at every redraw: plain loops over typed arrays are a tenth of what `map` and `from` cost, and
// arrays made anew for each would leave tens of megabytes a second behind.
function draw(series: Series, places: Float64Array, indices: ArrayLike<number>, look: Look, target: number): Drawn {
  const zero = look.axis === "time" ? look.zero : 0;
  const values = series.value.view();
  const count = indices.length;
  let xs = scratch("x", count, Float64Array);
  let ys = scratch("y", count, Float64Array);
  let rises = true;
  for (let i = 0; i < count; i++) {
    const x = (places[indices[i] as number] as number) - zero;
    if (i > 0 && x < (xs[i - 1] as number)) rises = false;
    xs[i] = x;
    ys[i] = values[indices[i] as number] as number;
  }
  if (!rises) {
    const order = [...xs.keys()].sort((a, b) => (xs[a] as number) - (xs[b] as number));
    [xs, ys] = [Float64Array.from(pick(xs, order)), Float64Array.from(pick(ys, order))];
  }
  const weight = isByEpoch(series, indices) ? 0 : bearable(look.smoothing, count);
  const smoothed = weight > 0 ? smooth(ys, weight, scratch("smoothed", count, Float64Array)) : null;
  const chosen = thin(ys, target, ...visible(xs, look));
  return { x: pick(xs, chosen), raw: pick(ys, chosen), smoothed: smoothed && pick(smoothed, chosen) };
}

function pick(from: ArrayLike<number>, indices: readonly number[]): number[] {
  return indices.map((index) => from[index] as number);
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
  const x = rowsOf(lines);
  const columns = lines.map(({ x: xs, y: ys }) => {
    const column = new Array<Cell>(x.length).fill(undefined);
    for (let i = 0, row = 0; i < xs.length; i++, row++) {
      while (row < x.length && x[row] !== xs[i]) row++;
      column[row] = cell(ys[i] as number);
    }
    return column;
  });
  return { x, columns };
}

/** All places of the lines, in order; each as often as the line has it that has it most often. */
function rowsOf(lines: readonly { x: number[] }[]): number[] {
  const all = scratch("rows", lines.reduce((sum, { x }) => sum + x.length, 0), Float64Array);
  const most = new Map<number, number>();
  let filled = 0;
  for (const { x } of lines) {
    for (let i = 0, times = 1; i < x.length; i++) {
      const at = x[i] as number;
      times = i > 0 && at === x[i - 1] ? times + 1 : 1;
      if (times > 1 && times > (most.get(at) ?? 1)) most.set(at, times);
      if (times === 1) all[filled++] = at;
    }
  }
  const rows: number[] = [];
  let before = NaN;
  for (const at of all.subarray(0, filled).sort()) {
    if (at !== before) for (let times = most.get(at) ?? 1; times > 0; times--) rows.push(at);
    before = at;
  }
  return rows;
}

function cell(y: number): number | null {
  return Number.isFinite(y) ? y : null;
}
