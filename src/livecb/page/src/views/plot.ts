// The only module that knows the chart library.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { WHOLE_STEPS, axisClock, axisNumber, axisTime, isWhole, logSplits } from "../data/axis";
import { dotsOf } from "../data/dots";
import type { Cell } from "../data/lines";
import { drawAcross, drawLine, drawShape, within } from "./ink";
import { palette, textWidth, type Palette } from "./palette";
import type { Frame, Hover, PlotLine, PlotModel } from "./plot-model";

const SYNC = uPlot.sync("charts");
/** Of so many lines each has a ring under the cross-hair. */
const MOST_RINGS = 16;
/** How much of an area's colour shows: the last byte of the colour. */
const BAND_ALPHA = "26";
/** The room at the right of a chart, in CSS pixels. */
const LEAST_RIGHT = 8;
/** Places that keys lead to stand at least so far apart, in CSS pixels. */
const STEP_PX = 2;
/** The library has no ticks for less. */
const LEAST_SPAN = 1e-30;

/** One chart on a canvas, drawn again whenever it is given a model. */
export class Plot {
  #chart: uPlot | null = null;
  #shape = "";
  #model: PlotModel | null = null;
  #colors: Palette = palette();
  #observer: ResizeObserver;
  /** Room at the right, in CSS pixels: half of the last label of the x-axis may stand beyond the end. */
  #right = LEAST_RIGHT;

  constructor(
    private readonly host: HTMLElement,
    private readonly onHover: (hover: Hover) => void,
    private readonly onZoom: (from: number | null, to: number | null) => void,
    private readonly onFrame: (frame: Frame) => void,
  ) {
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(host);
  }

  draw(model: PlotModel): void {
    this.#model = model;
    const lines = areMany(model) ? model.lines.map(({ color }) => color) : model.lines;
    const shape = JSON.stringify([lines, model.bands, model.axis, model.log, model.logX, hasLabels(model), isWhole(model.x), isWhole(...model.columns)]);
    if (this.#chart && shape === this.#shape) {
      const chart = this.#chart;
      // As a batch it is drawn at once, so that whoever calls can tell what it costs.
      chart.batch(() => chart.setData(data(model), true));
      return;
    }
    this.#shape = shape;
    const { left = -1, top = -1 } = this.#chart?.cursor ?? {};
    this.#chart?.destroy();
    this.#chart = new uPlot(this.#options(model), data(model), this.host);
    // Whose pointer rests on the chart that was goes on reading.
    if (left >= 0) this.#chart.setCursor({ left, top });
  }

  /** Move the cross-hair of all charts by so many places, as a pointer does; if it is nowhere, from beyond either end. */
  move(by: number): void {
    const chart = this.#chart;
    const xs = chart?.data[0];
    if (!chart || !xs || xs.length === 0) return;
    const [first, last] = chart.series[0]?.idxs ?? [0, xs.length - 1];
    const pixel = (index: number): number => chart.valToPos(xs[index] as number, "x");
    const held = chart.cursor.left !== undefined && chart.cursor.left >= 0 ? chart.cursor.idx : null;
    let next = Math.min(last, Math.max(first, (held ?? (by > 0 ? first - 1 : last + 1)) + by));
    // Of points that stand closer than a pixel a pointer could never reach the next.
    while (held != null && next > first && next < last && Math.abs(pixel(next) - pixel(held)) < STEP_PX) next += Math.sign(by);
    const { left, top, height } = chart.over.getBoundingClientRect();
    chart.over.dispatchEvent(new MouseEvent("mousemove", { clientX: left + pixel(next), clientY: top + height / 2 }));
  }

  /** Take the cross-hair out of all charts. */
  leave(): void {
    this.#chart?.over.dispatchEvent(new MouseEvent("mouseleave"));
  }

  /** What is drawn, to be copied; null while nothing is. */
  get canvas(): HTMLCanvasElement | null {
    return this.#chart?.ctx.canvas ?? null;
  }

  /** The colours have changed: light and dark. */
  recolor(): void {
    this.#colors = palette();
    this.#chart?.redraw(false);
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#chart?.destroy();
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (this.#chart && width > 0) this.#chart.setSize({ width, height });
  }

  #options(model: PlotModel): uPlot.Options {
    return {
      width: this.host.clientWidth || 300,
      height: this.host.clientHeight || 180,
      padding: [hasLabels(model) ? 14 : 6, () => this.#right, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, distr: model.logX ? 3 : 1, range: () => [...(this.#model as PlotModel).range] as [number, number] },
        y: { distr: model.log ? 3 : 1, range: model.log ? rangeLog : rangeY },
      },
      axes: [this.#xAxis(model), this.#yAxis(model)],
      bands: model.bands?.map(({ low, high, color }) => ({ series: [high + 1, low + 1] as [number, number], fill: () => `${this.#colors.series[color]}${BAND_ALPHA}` })),
      series: [{}, ...model.lines.map((line) => ({ ...this.#series(line), ...(areMany(model) && { paths: () => null }) }))],
      cursor: {
        y: false,
        sync: { key: SYNC.key, setSeries: false, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false, dist: 6 },
        // Each is a layer of its own: of hundreds the browser draws a few frames a second.
        points: { ...(areMany(model) && { show: false }), size: (_u, i) => this.#hoverSize(i), width: 1.5, fill: () => this.#colors.surface },
        bind: { dblclick: () => () => (this.onZoom(null, null), null) },
      },
      hooks: {
        setCursor: [(u) => this.#hovered(u)],
        setSelect: [(u) => this.#selected(u)],
        drawAxes: [(u) => this.#drawAcross(u)],
        drawSeries: [(u, i) => areMany(model) && this.#drawSeries(u, i)],
        draw: [(u) => this.#drawEnds(u), (u) => this.onFrame(frameOf(u))],
      },
    };
  }

  #series(line: PlotLine): uPlot.Series {
    return {
      width: line.width,
      alpha: line.alpha,
      dash: line.dash,
      // To whole pixels, a line that falls slowly would be a stair.
      pxAlign: 0.25,
      stroke: () => this.#colors.series[line.color] as string,
      points: {
        show: true,
        size: 4.6,
        width: 1.2,
        fill: () => this.#colors.surface,
        stroke: () => this.#colors.series[line.color] as string,
        filter: (u, i) => dotsOf(u.data[i] as Cell[], line.dots),
      },
    };
  }

  #xAxis({ axis, x, logX }: PlotModel): uPlot.Axis {
    const isTime = axis === "time" || axis === "clock";
    return {
      ...this.#axis(),
      size: 25,
      gap: 9,
      space: isTime ? 72 : 58,
      ...(logX ? { splits: (u: uPlot) => logSplits(u.scales.x?.min ?? 1, u.scales.x?.max ?? 10), filter: (_u: uPlot, splits: number[]) => splits } : {}),
      grid: { show: false },
      incrs: isTime ? TIME_STEPS : isWhole(x) ? WHOLE_STEPS : undefined,
      values: (_u, splits) => {
        const words = axis === "time" ? splits.map(axisTime) : axis === "clock" ? axisClock(splits) : logX ? splits.map((split) => axisNumber([split]).join("")) : axisNumber(splits);
        // By the label alone, not by where it stands: else the chart would twitch as it grows.
        this.#right = Math.max(LEAST_RIGHT, Math.ceil(this.#width(words.at(-1)) / 2) + 2);
        return words;
      },
    };
  }

  #yAxis({ log, columns }: PlotModel): uPlot.Axis {
    return {
      ...this.#axis(),
      size: (_u, values) => Math.max(46, 10 + Math.max(0, ...(values ?? []).map((word) => this.#width(word)))),
      gap: 5,
      space: 26,
      grid: { show: true, stroke: () => this.#colors.grid, width: 1 },
      incrs: !log && isWhole(...columns) ? WHOLE_STEPS : undefined,
      values: (_u, splits) => (log ? splits.map((split) => axisNumber([split]).join("")) : axisNumber(splits)),
    };
  }

  #axis(): uPlot.Axis {
    return { font: this.#font, stroke: () => this.#colors.faint, ticks: { show: false } };
  }

  get #font(): string {
    return `11px ${this.#colors.font}`;
  }

  #width(word: string | undefined | null): number {
    return word ? textWidth(word, this.#font) : 0;
  }

  // What stands behind, raw values and abandoned branches, shows no point of its own.
  #hoverSize(index: number): number {
    const line = this.#model?.lines[index - 1];
    return line && line.width > 0 && line.alpha >= 0.9 ? 7 : 0;
  }

  #hovered(u: uPlot): void {
    const { left, idxs } = u.cursor;
    if (left === undefined || left < 0 || !idxs) this.onHover(null);
    else this.onHover({ x: u.posToVal(left, "x"), indices: idxs.slice(1).map((index) => index ?? null) });
  }

  #selected(u: uPlot): void {
    const { left, width } = u.select;
    if (width < 6) return;
    const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.onZoom(from, to);
  }

  #drawAcross(u: uPlot): void {
    const model = this.#model as PlotModel;
    const { ctx, bbox } = u;
    const scale = uPlot.pxRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left - 4 * scale, bbox.top - 14 * scale, bbox.width + 8 * scale, bbox.height + 18 * scale);
    ctx.clip();
    let free = -Infinity;
    for (const line of model.across) {
      if (line.x < model.range[0] || line.x > model.range[1]) continue;
      const x = Math.round(u.valToPos(line.x, "x", true));
      const half = (this.#width(line.label) / 2) * scale;
      const middle = within(x, half, bbox.left - 4 * scale, bbox.left + bbox.width + 4 * scale);
      // What has no room beside the one before it goes without words: the marks on the axis have them.
      drawAcross(ctx, { x, middle, top: bbox.top, height: bbox.height, unit: scale }, middle - half > free ? line.label : "", this.#colors);
      if (middle - half > free) free = middle + half + 6 * scale;
    }
    ctx.restore();
  }

  #drawSeries(u: uPlot, index: number): void {
    const { x, columns, lines } = this.#model as PlotModel;
    const [line, column] = [lines[index - 1], columns[index - 1]];
    if (!line || !column) return;
    const stroke = { ...line, color: this.#colors.series[line.color] as string };
    drawLine(u.ctx, u.bbox, uPlot.pxRatio, stroke, x, column, (at) => u.valToPos(at, "x", true), (at) => u.valToPos(at, "y", true));
  }

  #drawEnds(u: uPlot): void {
    const model = this.#model as PlotModel;
    model.lines.forEach((line, i) => {
      if (line.end) drawEnd(u, model, i, this.#colors.series[line.color] as string);
    });
    for (const { x, y, color, kind } of model.points ?? []) {
      const [left, top] = [u.valToPos(x, "x", true), u.valToPos(y, "y", true)];
      const isInside = left > u.bbox.left - 1 && left < u.bbox.left + u.bbox.width + 1;
      if (isInside) drawShape(u.ctx, left, top, uPlot.pxRatio, kind, this.#colors.series[color] as string, this.#colors.surface);
    }
  }
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
  172_800, 432_000, 864_000];

/** Whether there are more lines than the library draws well: it makes a path of each, which stay until the browser tidies up. */
function areMany({ lines }: PlotModel): boolean {
  return lines.length > MOST_RINGS;
}

function hasLabels(model: PlotModel): boolean {
  return model.across.length > 0;
}

function data(model: PlotModel): uPlot.AlignedData {
  return [model.x, ...model.columns] as uPlot.AlignedData;
}

// A little air above and below, and a line in the middle when all values are the same.
function rangeY(_u: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  if (high - low < LEAST_SPAN) {
    const half = Math.abs(low) / 2 > LEAST_SPAN ? Math.abs(low) / 2 : 0.5;
    return [low - half, high + half];
  }
  const range = uPlot.rangeNum(low, high, 0.04, true);
  return [low >= 0 ? Math.max(0, range[0] ?? 0) : range[0], range[1]];
}

function rangeLog(_u: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  return low === null || high === null ? [0.1, 1] : uPlot.rangeLog(low, high, 10, false);
}

function frameOf(u: uPlot): Frame {
  const unit = uPlot.pxRatio;
  const { left, top, width, height } = u.bbox;
  return {
    left: Math.round(left / unit), width: Math.round(width / unit), bottom: Math.round((top + height) / unit),
    from: u.scales.x?.min ?? 0, to: u.scales.x?.max ?? 1,
  };
}

function drawEnd(u: uPlot, { x: xs, columns, range }: PlotModel, index: number, color: string): void {
  const column = columns[index] as Cell[];
  let i = column.length - 1;
  while (i >= 0 && typeof column[i] !== "number") i--;
  if (i < 0 || (xs[i] as number) > range[1]) return;
  const { ctx } = u;
  ctx.beginPath();
  ctx.fillStyle = color;
  ctx.arc(u.valToPos(xs[i] as number, "x", true), u.valToPos(column[i] as number, "y", true), 2.6 * uPlot.pxRatio, 0, 7);
  ctx.fill();
}
