import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { toNumber } from "../../client/number";
import type { Comparison } from "../comparison";
import { spokenId } from "../data/called";
import { inkOf } from "../data/against";
import { axisTime } from "../data/axis";
import { count, value } from "../data/format";
import { drawnOf, merge, type Look } from "../data/lines";
import { snapped } from "../data/snap";
import { frames } from "../frames";
import type { CompareAxis } from "../data/picks";
import { crossHair } from "./cross-hair";
import { Plot } from "./plot";
import type { Hover, PlotLine, PlotModel } from "./plot-model";

interface Props {
  name: string;
  axis: CompareAxis;
  log: boolean;
  smoothing: number;
  range: [number, number] | null;
  hidden: ReadonlySet<string>;
  /** Whether the lines are about to change again: what many of them cost most, dashes and width, waits. */
  moving: boolean;
  comparison: Comparison;
  /** Changes when there is more to draw. */
  version: number;
  zoom(range: [number, number] | null): void;
}

/** One metric of all runs that are compared, a line each. */
export function CompareChart({ name, axis, log, smoothing, range, hidden, moving, comparison, version, zoom }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const model = useRef<PlotModel & { whose: string[] } | null>(null);
  const [hover, setHover] = useState<Hover>(null);
  const [inView, setInView] = useState(false);
  /** Whether the pointer, or the focus, is on this chart: the cross-hair goes over all of them. */
  const [here, setHere] = useState(false);
  const seen = useRef(false);
  seen.current = inView;
  useEffect(() => {
    const element = host.current as HTMLDivElement;
    const drawn = new Plot(element, (next) => setHover(seen.current ? next : null), (from, to) => zoom(from === null || to === null ? null : [from, to]), () => undefined);
    plot.current = drawn;
    const sight = new IntersectionObserver(([entry]) => setInView(entry?.isIntersecting ?? true), { rootMargin: "200px" });
    sight.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const recolor = (): void => drawn.recolor();
    scheme.addEventListener("change", recolor);
    return () => {
      sight.disconnect();
      scheme.removeEventListener("change", recolor);
      frames.drop(host);
      drawn.destroy();
    };
  }, []);
  const many = comparison.runs.length > FEW_RUNS;
  const plain = moving && many;
  useEffect(() => {
    if (!inView) return frames.drop(host);
    frames.ask(host, () => {
      const began = performance.now();
      model.current = modelOf(comparison, name, axis, log, smoothing, range, hidden, plain, host.current?.clientWidth || 400);
      plot.current?.draw(model.current);
      comparison.topics.spent(performance.now() - began);
    }, many && !plain);
  }, [comparison, version, axis, log, smoothing, range, hidden, plain, inView]);
  const words = useMemo(() => describe(comparison, name), [comparison, version, name]);
  const nowhere = comparison.runs.every(({ curves }) => !curves.byName.has(name) || curves.byName.get(name)?.extent(axis)[0] === Infinity);
  return (
    <figure class="chart" data-chart={name} onPointerEnter={() => setHere(true)} onPointerLeave={() => setHere(false)}
      onFocusIn={() => setHere(true)} onFocusOut={() => setHere(false)}>
      <figcaption>
        <h2 title={name}>{name}</h2>
        {hover ? <span class="where">{whereWords(hover.x, axis)}</span> : nowhere && <span class="where">tells no {axis}</span>}
      </figcaption>
      <div class="plotted">
        <div class="plot" ref={host} role="img" {...crossHair(plot)} aria-label={words} />
        {here && hover && model.current && <Values {...{ hover, comparison }} model={model.current} />}
      </div>
    </figure>
  );
}

const MOST_VALUES = 8;
/** Points of all lines of a chart, about: fifty lines are a thicket whatever each of them has. Of each its extremes are there. */
const MOST_POINTS = 10_000;
const LEAST_POINTS = 200;
const PLAIN_POINTS = 100;
/** So many lines are drawn as they are at any time. */
const FEW_RUNS = 16;
/** Where a chart would have more rows, its points share places. */
const ROWS_A_PIXEL = 8;

/** The values under the cross-hair, the largest first. */
function Values({ hover, model, comparison }: { hover: NonNullable<Hover>; model: PlotModel & { whose: string[] }; comparison: Comparison }) {
  const held = model.whose.flatMap((run, column) => {
    const row = run ? hover.indices[column] : null;
    const y = row == null ? null : model.columns[column]?.[row];
    return typeof y === "number" ? [{ run, y }] : [];
  }).sort((a, b) => b.y - a.y);
  return (
    <ul class="beneath" aria-hidden="true">
      {held.slice(0, MOST_VALUES).map(({ run, y }) => {
        const place = comparison.runs.findIndex((compared) => compared.run === run);
        const { color, dashed } = inkOf(place);
        return <li key={run}><i class={`s${color + 1} d${dashed}`} /><span>{comparison.runs[place]?.state?.name ?? spokenId(run)}</span><b>{value(y)}</b></li>;
      })}
      {held.length > MOST_VALUES && <li>and {count(held.length - MOST_VALUES)} more</li>}
    </ul>
  );
}

function modelOf(
  comparison: Comparison, name: string, axis: CompareAxis, log: boolean, smoothing: number, range: [number, number] | null,
  hidden: ReadonlySet<string>, plain: boolean, width: number,
): PlotModel & { whose: string[] } {
  const parts: { x: number[]; y: number[]; line: PlotLine; run: string }[] = [];
  let [low, high] = [Infinity, -Infinity];
  const target = plain ? PLAIN_POINTS : Math.max(LEAST_POINTS, Math.min(Math.max(300, width), Math.round(MOST_POINTS / comparison.runs.length)));
  comparison.runs.forEach(({ run, state, curves }, place) => {
    const series = curves.byName.get(name);
    if (!series || hidden.has(run)) return;
    const zero = axis === "time" ? state?.started ?? 0 : 0;
    const [from, to] = series.extent(axis);
    if (from <= to) [low, high] = [Math.min(low, from - zero), Math.max(high, to - zero)];
    const look: Look = { axis, smoothing, from: range?.[0] ?? null, to: range?.[1] ?? null, zero };
    const { color, dash, width: thick } = inkOf(place);
    const { main, abandoned } = drawnOf(series, look, target);
    const line = { color, dots: false, end: false, ...(dash && !plain && { dash }) };
    for (const branch of abandoned) parts.push({ x: branch.x, y: branch.raw, run: "", line: { ...line, width: 1, alpha: 0.35 } });
    parts.push({ x: main.x, y: main.smoothed ?? main.raw, run, line: { ...line, width: plain ? 1 : thick, alpha: 1, end: true } });
  });
  const all: [number, number] = high > low ? [low, high] : Number.isFinite(low) ? [low, low + 1] : [0, 1];
  const shown = range ?? all;
  const snap = parts.reduce((sum, { x }) => sum + x.length, 0) > ROWS_A_PIXEL * width;
  const { x, columns } = merge(snap ? parts.map(({ x, y }) => ({ x: snapped(x, shown, width), y })) : parts);
  if (log) for (const column of columns) column.forEach((y, i) => typeof y === "number" && y <= 0 && (column[i] = null));
  return { x, columns, lines: parts.map(({ line }) => line), whose: parts.map(({ run }) => run), range: shown, axis, log, across: [] };
}

function whereWords(x: number, axis: CompareAxis): string {
  if (axis === "time") return axisTime(x);
  return axis === "epoch" ? `epoch ${value(x, 3)}` : `step ${count(Math.round(x))}`;
}

/** A chart in words, for those who do not see it. */
function describe({ runs }: Comparison, name: string): string {
  const said = runs.flatMap(({ run, state }) => {
    const held = state?.metrics[name];
    return held ? [`${state.name || run} ${value(toNumber(held.best ?? held.value))}`] : [];
  });
  return `${name} of ${said.length} runs: ${said.join(", ")}.`;
}
