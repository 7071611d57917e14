import { useEffect, useRef, useState } from "preact/hooks";
import type { State } from "../../client/api";
import type { ChartSpec, LineSpec } from "../data/charts";
import { axisTime } from "../data/axis";
import { count, value } from "../data/format";
import type { Look } from "../data/lines";
import { latest, written } from "../data/tiles";
import type { XAxis } from "../data/series";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { belongsTo, isNowhere, linesOf, modelOf, type ChartModel } from "./chart-model";
import { MarkRow } from "./marks";
import { Plot, type Frame, type Hover } from "./plot";

interface Props {
  session: RunSession;
  choice: LookChoice;
  chart: ChartSpec;
  look: Look;
  range: readonly [number, number];
  /** Changes when something was added: the reason to draw again. */
  version: string;
}

/** One chart: its legend with the last values, or those under the cross-hair, and its canvas. */
export function ChartCard({ session, choice, chart, look, range, version }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const model = useRef<ChartModel | null>(null);
  const [hover, setHover] = useState<Hover>(null);
  const [frame, setFrame] = useState<Frame | null>(null);
  const [inView, setInView] = useState(true);

  useEffect(() => {
    const element = host.current as HTMLDivElement;
    const drawn = new Plot(element, setHover, (from, to) => choice.zoom(from, to), (now) => setFrame((last) => (isSame(last, now) ? last : now)));
    plot.current = drawn;
    const sight = new IntersectionObserver(([entry]) => setInView(entry?.isIntersecting ?? true), { rootMargin: "200px" });
    sight.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const recolor = (): void => drawn.recolor();
    scheme.addEventListener("change", recolor);
    return () => {
      sight.disconnect();
      scheme.removeEventListener("change", recolor);
      drawn.destroy();
    };
  }, [choice]);

  useEffect(() => {
    if (!inView) return;
    const began = performance.now();
    const width = host.current?.clientWidth || 400;
    const { curves, locator } = session;
    const set = choice.settings.marks ? session.marks.all : [];
    const across = linesOf(session.state as State, curves.begins, set, (mark) => locator.place(mark, look.axis), look.axis, look.zero);
    model.current = modelOf(chart, curves, look, range, choice.settings.log, across, width);
    plot.current?.draw(model.current);
    session.topics.spent(performance.now() - began);
  }, [version, inView]);

  const state = session.state as State;
  const at = hover && whereWords(hover.x, look);
  return (
    <figure class="chart" data-chart={chart.title}>
      <figcaption>
        <h2 title={chart.title}>{chart.title}</h2>
        {at ? <span class="where">{at}</span> : <Missing chart={chart} state={state} left={model.current?.left ?? 0} nowhere={isNowhere(chart, session.curves, look.axis) ? look.axis : null} />}
        <Legend title={chart.title} lines={chart.lines} values={chart.lines.map((line, i) => valueAt(line, i, state, hover, model.current))} />
      </figcaption>
      <div class="plotted">
        <div class="plot" ref={host} role="img" aria-label={describe(chart, state)} />
        {frame && choice.settings.marks && inView && (
          <MarkRow session={session} look={look} frame={frame} belongs={(mark) => belongsTo(chart, state.metrics, mark)} />
        )}
      </div>
    </figure>
  );
}

function isSame(one: Frame | null, other: Frame): boolean {
  return one !== null && (Object.keys(other) as (keyof Frame)[]).every((key) => one[key] === other[key]);
}

/** What the curves do not show, and why. */
function Missing({ chart, state, left, nowhere }: { chart: ChartSpec; state: State; left: number; nowhere: XAxis | null }) {
  const odd = chart.lines.reduce((sum, { metric }) => sum + (state.metrics[metric]?.nonfinite ?? 0), 0);
  if (odd > 0) return <span class="odd">{count(odd)} not finite</span>;
  if (nowhere) return <span class="where">tells no {nowhere}</span>;
  return left > 0 ? <span class="where">≤ 0 is left out</span> : null;
}

function Legend({ title, lines, values }: { title: string; lines: LineSpec[]; values: string[] }) {
  const named = lines.length > 1 || lines[0]?.label !== title;
  return (
    <span class="legend">
      {lines.map((line, i) => (
        <span key={line.metric} title={line.metric}>
          <i class={`s${line.color + 1} ${line.dashed ? "dashed" : ""}`} aria-hidden="true" />
          {named && <span class="of">{line.label}</span>}
          <b>{values[i]}</b>
        </span>
      ))}
    </span>
  );
}

function valueAt(line: LineSpec, index: number, state: State, hover: Hover, model: ChartModel | null): string {
  const metric = state.metrics[line.metric];
  if (!metric) return "–";
  if (!hover || !model) return latest(metric);
  const column = model.rawColumn[index] ?? -1;
  const row = hover.indices[column];
  const held = row == null ? null : model.columns[column]?.[row];
  return typeof held === "number" ? written(held, metric) : "–";
}

function whereWords(x: number, look: Look): string {
  if (look.axis === "time") return axisTime(x);
  return look.axis === "epoch" ? `epoch ${value(x, 3)}` : `${look.axis} ${count(Math.round(x))}`;
}

/** A chart in words, for those who do not see it. */
function describe(chart: ChartSpec, state: State): string {
  const last = chart.lines.map(({ metric, label }) => {
    const held = state.metrics[metric];
    if (!held) return `${label}: none`;
    const best = held.best === null ? "" : `, best ${written(held.best, held)}`;
    return `${label} ${latest(held)}${best}, ${count(held.count)} points`;
  });
  return `Chart of ${chart.title}. Last values: ${last.join("; ")}.`;
}
