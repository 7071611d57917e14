import type { State } from "../../client/api";
import type { Command } from "../../client/generated/events";
import type { ChartSpec } from "../data/charts";
import type { Curves } from "../data/curves";
import { drawnOf, merge, type Drawn, type Look } from "../data/lines";
import type { Mark } from "../data/marks";
import type { XAxis } from "../data/series";
import type { Line, PlotLine, PlotModel } from "./plot";

/** What a chart draws, and which of its columns holds the measured values of which line. */
export interface ChartModel extends PlotModel {
  /** For each line of the chart: the column of its raw values, -1 where it has none. */
  rawColumn: number[];
  /** Values that a logarithmic scale has no place for. */
  left: number;
}

const DASH = [5, 3];
const ABANDONED = [2, 3];

/** Build the columns of one chart: abandoned branches behind, then raw values, then what is smoothed. */
export function modelOf(
  chart: ChartSpec, curves: Curves, look: Look, range: readonly [number, number], log: boolean, across: Line[], width: number,
): ChartModel {
  const behind: [Drawn, PlotLine][] = [];
  const parts: { drawn: Drawn; y: number[]; line: PlotLine }[] = [];
  const front: typeof parts = [];
  const raws: (number[] | null)[] = [];
  for (const spec of chart.lines) {
    const from = look.from !== null && look.axis === "time" ? look.from + look.zero : look.from;
    const series = curves.of(spec.metric, look.axis, from);
    if (!series) {
      raws.push(null);
      continue;
    }
    const line = { color: spec.color, dash: spec.dashed ? DASH : undefined };
    const { main, abandoned } = drawnOf(series, spec.exact || spec.dots ? { ...look, smoothing: 0 } : look, Math.max(400, width * 2));
    for (const branch of abandoned) {
      behind.push([branch, { color: spec.color, width: 1.2, alpha: 0.45, dash: ABANDONED, dots: false, end: false }]);
    }
    raws.push(main.raw);
    const { smoothed } = main;
    if (smoothed) {
      parts.push({ drawn: main, y: main.raw, line: { ...line, width: 1, alpha: 0.26, dots: false, end: false } });
    }
    front.push({ drawn: main, y: smoothed ?? main.raw, line: { ...line, width: 1.6, alpha: 1, dots: spec.dots, end: true } });
  }
  const all = [...behind.map(([drawn, line]) => ({ drawn, y: drawn.raw, line })), ...parts, ...front];
  const { x, columns } = merge(all.map(({ drawn, y }) => ({ x: drawn.x, y })));
  const left = log ? columns.reduce((sum, column) => sum + dropNonPositive(column), 0) : 0;
  return {
    x, columns, range, log, across, left, axis: look.axis,
    lines: all.map(({ line }) => line),
    rawColumn: raws.map((raw) => (raw ? all.findIndex(({ y }) => y === raw) : -1)),
  };
}

function dropNonPositive(column: (number | null | undefined)[]): number {
  let dropped = 0;
  for (let i = 0; i < column.length; i++) {
    const y = column[i];
    if (typeof y !== "number" || y > 0) continue;
    column[i] = null;
    dropped++;
  }
  return dropped;
}

/** The part of the axis that all charts show: what was chosen, or all there is. */
export function rangeOf(charts: readonly ChartSpec[], curves: Curves, look: Look): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const { lines } of charts) {
    for (const { metric } of lines) {
      const extent = curves.byName.get(metric)?.extent(look.axis);
      if (!extent) continue;
      low = Math.min(low, extent[0]);
      high = Math.max(high, extent[1]);
    }
  }
  if (look.axis === "time") [low, high] = [low - look.zero, high - look.zero];
  if (!(low <= high)) [low, high] = [0, 1];
  const from = look.from ?? low;
  const to = look.to ?? high;
  return to > from ? [from, to] : [from, from + 1];
}

/**
 * The part of the axis that one chart shows. Steps may mean different things: one that ends within the first third of
 * the others counts something else, and gets a range of its own. Time is the same for all, and a validation goes on.
 */
export function ownRangeOf({ lines }: ChartSpec, curves: Curves, look: Look, all: readonly [number, number]): readonly [number, number] {
  if (look.axis === "time" || look.from !== null || lines.some(({ dots }) => dots)) return all;
  const extents = lines.map(({ metric }) => curves.byName.get(metric)?.extent(look.axis) ?? [Infinity, -Infinity]);
  const low = Math.min(...extents.map((extent) => extent[0]));
  const high = Math.max(...extents.map((extent) => extent[1]));
  return high > low && 3 * (high - all[0]) < all[1] - all[0] ? [low, high] : all;
}

/** Whether a chart has values of which none knows where it stands on the axis. */
export function isNowhere({ lines }: ChartSpec, curves: Curves, axis: XAxis): boolean {
  const known = lines.flatMap(({ metric }) => curves.byName.get(metric) ?? []);
  return known.length > 0 && known.every((series) => series.extent(axis)[0] === Infinity);
}

/** More of them are a fence before the curve; each has its mark on the axis all the same. */
const MOST_SET = 12;
/** The title of the alert that the library itself gives. */
const NON_FINITE = "Non-finite loss";

/** Whether a mark belongs to a chart: of a loss that is no number any more only the charts tell that have such values. */
export function belongsTo(chart: ChartSpec, metrics: State["metrics"], { event }: Mark): boolean {
  if (event.type !== "alert" || event.title !== NON_FINITE) return true;
  return chart.lines.some(({ metric }) => (metrics[metric]?.nonfinite ?? 0) > 0);
}

interface Place {
  step?: number | null;
  batch?: number | null;
  epoch?: number | null;
  time: number;
}

/** From where on the training was another: where an attempt began or went back to, and where a parameter was set. */
export function linesOf(
  state: Pick<State, "rewinds">, begins: Curves["begins"], set: readonly Mark[], place: (mark: Mark) => number | null, axis: XAxis, zero: number,
): Line[] {
  const lines: Line[] = [];
  const put = (at: Place, label: string): void => {
    const x = axis === "time" ? at.time - zero : at[axis];
    if (x != null && !Number.isNaN(x)) lines.push({ x, label });
  };
  const wentBack = new Map(state.rewinds.map((rewind) => [rewind.attempt, rewind]));
  for (const [attempt, { to_step: step, time }] of wentBack) {
    put({ step, batch: begins.get(attempt)?.batch, epoch: begins.get(attempt)?.epoch, time }, `attempt ${attempt}`);
  }
  for (const [attempt, begin] of begins) if (!wentBack.has(attempt)) put(begin, `attempt ${attempt}`);
  const parameters = set.flatMap((mark) => {
    const { event, kind } = mark;
    const x = kind === "applied" && event.type === "command" && event.name === "set" ? place(mark) : null;
    return x === null ? [] : [{ x: axis === "time" ? x - zero : x, label: `${(event as Command).parameter} set` }];
  });
  if (parameters.length <= MOST_SET) lines.push(...parameters);
  return lines.sort((a, b) => a.x - b.x);
}
