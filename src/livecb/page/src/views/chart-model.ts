import type { MetricState, State } from "../../client/api";
import type { Command } from "../../client/generated/events";
import { toNumber, type Num } from "../../client/number";
import { axisOf } from "../data/axes";
import { bandOf, type Band } from "../data/band";
import type { ChartSpec, LineSpec } from "../data/charts";
import type { Curves } from "../data/curves";
import { drawnOf, merge, type Drawn, type Look } from "../data/lines";
import type { Mark } from "../data/marks";
import { placeOn, type XAxis } from "../data/series";
import { bearable, smooth } from "../data/smooth";
import type { LookChoice } from "../look";
import type { Line, PlotLine, PlotModel, PlotPoint } from "./plot-model";

/** What a chart draws, and which of its columns holds the measured values of which line. */
export interface ChartModel extends PlotModel {
  /** For each line of the chart: the column of its raw values, -1 where it has none. */
  rawColumn: number[];
  /** Values that a logarithmic scale has no place for. */
  left: number;
}

const DASHES = [undefined, [5, 3], [2, 3], [9, 3, 2, 3]];
const ABANDONED = [2, 3];
/** Signs of more lines than these hide the lines. */
const MOST_POINTED = 6;
/** A line that is not drawn, but bounds an area. */
const EDGE = { width: 0, alpha: 1, dots: false, end: false };

interface Part {
  x: number[];
  y: number[];
  line: PlotLine;
}

/** Build the columns of one chart: abandoned branches behind, then bands and raw values, then what is smoothed. */
export function modelOf(
  chart: ChartSpec, curves: Curves, look: Look, range: readonly [number, number], log: boolean, across: Line[], width: number,
  metrics: State["metrics"] = {},
): ChartModel {
  const behind: Part[] = [];
  const edges: Part[] = [];
  const raw: Part[] = [];
  const front: Part[] = [];
  const raws: (number[] | null)[] = [];
  const points: PlotPoint[] = [];
  for (const spec of chart.lines) {
    const { main, abandoned, band } = branchesOf(spec, curves, look, Math.max(400, width * 2));
    raws.push(main && main.raw);
    if (!main) continue;
    const { x, smoothed } = main;
    const line = { color: spec.color, dash: DASHES[spec.dash], dots: false, end: false };
    for (const branch of abandoned) behind.push({ x: branch.x, y: branch.raw, line: { ...line, width: 1.2, alpha: 0.45, dash: ABANDONED } });
    if (band) edges.push({ x: band.x, y: band.low, line: { ...EDGE, color: spec.color } }, { x: band.x, y: band.high, line: { ...EDGE, color: spec.color } });
    if (smoothed) raw.push({ x, y: main.raw, line: { ...line, width: 1, alpha: 0.26 } });
    front.push({ x, y: smoothed ?? main.raw, line: { ...line, width: 1.6, alpha: 1, dots: spec.dots, end: true } });
    if (chart.lines.length <= MOST_POINTED) points.push(...pointsOf(main, spec, metrics[spec.metric], log));
  }
  const all = [...behind, ...edges, ...raw, ...front];
  const { x, columns } = merge(all);
  const left = log ? columns.reduce((sum, column) => sum + dropNonPositive(column), 0) : 0;
  const bands = edges.flatMap(({ line }, i) => (i % 2 ? [] : [{ low: behind.length + i, high: behind.length + i + 1, color: line.color }]));
  return {
    x, columns, range, log, logX: look.logX ?? false, across, left, axis: look.axis, points, bands,
    lines: all.map(({ line }) => line),
    rawColumn: raws.map((held) => (held ? all.findIndex(({ y }) => y === held) : -1)),
  };
}

/** What is drawn of one line: of several ranks their mean, and the band they lie in. */
function branchesOf(spec: LineSpec, curves: Curves, look: Look, target: number): { main: Drawn | null; abandoned: Drawn[]; band?: Band } {
  const from = look.from !== null && look.axis === "time" ? look.from + look.zero : look.from;
  const known = (spec.ranks ?? [spec.metric]).flatMap((metric) => curves.of(metric, placeOn(look.axis), from) ?? []);
  const smoothing = spec.exact || spec.dots ? 0 : look.smoothing;
  const drawn = known.map((series) => drawnOf(series, { ...look, smoothing: known.length > 1 ? 0 : smoothing }, target));
  if (drawn.length < 2) return drawn[0] ?? { main: null, abandoned: [] };
  const band = bandOf(drawn.map(({ main }) => ({ x: main.x, y: main.raw })), target / 2);
  const weight = bearable(smoothing, band.x.length);
  const main = { x: band.x, raw: band.mean, smoothed: weight > 0 ? [...smooth(band.mean, weight)] : null };
  return { main, abandoned: drawn.flatMap(({ abandoned }) => abandoned), band };
}

/** Where a line was best, if its name tells which way is better; else where it was smallest and largest. */
function pointsOf({ x, raw }: Drawn, { color, exact, ranks }: LineSpec, metric: MetricState | undefined, log: boolean): PlotPoint[] {
  if (!metric || exact || ranks || metric.count < 3 || metric.min === metric.max) return [];
  const at = (said: Num | null, kind: PlotPoint["kind"]): PlotPoint[] => {
    const y = said === null ? NaN : toNumber(said);
    const i = Number.isFinite(y) && !(log && y <= 0) ? raw.indexOf(y) : -1;
    return i < 0 ? [] : [{ x: x[i] as number, y, color, kind }];
  };
  return metric.goal ? at(metric.best, "best") : [...at(metric.min, "low"), ...at(metric.max, "high")];
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

/** How the charts of a run are shown, as the viewer chose. */
export function lookOf(state: State, { settings, from, to }: Pick<LookChoice, "settings" | "from" | "to">): Look {
  const axis = axisOf(state, settings.axis);
  return { axis, smoothing: settings.smoothing, from, to, zero: state.started ?? 0, logX: settings.logX && axis !== "clock" };
}

/** All metrics that a line is made of. */
export function metricsOf({ metric, ranks }: LineSpec): string[] {
  return ranks ?? [metric];
}

/** The part of the axis that all charts show: what was chosen, or all there is. */
export function rangeOf(charts: readonly ChartSpec[], curves: Curves, look: Look): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const { lines } of charts) {
    for (const metric of lines.flatMap(metricsOf)) {
      const extent = curves.byName.get(metric)?.extent(look.axis);
      if (!extent) continue;
      low = Math.min(low, extent[0]);
      high = Math.max(high, extent[1]);
    }
  }
  if (look.axis === "time") [low, high] = [low - look.zero, high - look.zero];
  if (!(low <= high)) [low, high] = [0, 1];
  if (look.logX) [low, high] = positive(low, high);
  // A part that was chosen on the axis that has 0 may begin there.
  const from = look.from === null || (look.logX && look.from <= 0) ? low : look.from;
  const to = look.to ?? high;
  return to > from ? [from, to] : [from, from + 1];
}

/** From the first step on, or the first second: a logarithmic axis never reaches 0. */
function positive(low: number, high: number): [number, number] {
  const first = low > 0 ? low : Math.min(1, high > 0 ? high / 10 : 1);
  return [first, Math.max(high, first * 10)];
}

/**
 * The part of the axis that one chart shows. Steps may mean different things: one that ends within the first third of
 * the others counts something else, and gets a range of its own. Time is the same for all, and a validation goes on.
 */
export function ownRangeOf({ lines }: ChartSpec, curves: Curves, look: Look, all: readonly [number, number]): readonly [number, number] {
  if (look.axis === "time" || look.axis === "clock" || look.logX || look.from !== null || lines.some(({ dots }) => dots)) return all;
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
  samples?: number | null;
  tokens?: number | null;
  time: number;
}

/** From where on the training was another: where an attempt began or went back to, and where a parameter was set. */
export function linesOf(
  state: Pick<State, "rewinds">, begins: Curves["begins"], set: readonly Mark[], place: (mark: Mark) => number | null, axis: XAxis, zero: number,
): Line[] {
  const lines: Line[] = [];
  const put = (at: Place, label: string): void => {
    const x = axis === "time" ? at.time - zero : at[placeOn(axis)];
    if (x != null && !Number.isNaN(x)) lines.push({ x, label });
  };
  const wentBack = new Map(state.rewinds.map((rewind) => [rewind.attempt, rewind]));
  for (const [attempt, { to_step: step, time }] of wentBack) {
    put({ ...begins.get(attempt), step, time }, `attempt ${attempt}`);
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
