import { useEffect, useRef, useState } from "preact/hooks";
import type { VNode } from "preact";
import type { State } from "../../client/api";
import { toNumber } from "../../client/number";
import type { ChartSpec, LineSpec } from "../data/charts";
import { axisTime } from "../data/axis";
import { clock, count, value } from "../data/format";
import type { Look } from "../data/lines";
import { latest, written } from "../data/tiles";
import type { XAxis } from "../data/series";
import { frames } from "../frames";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { belongsTo, isNowhere, linesOf, modelOf, type ChartModel } from "./chart-model";
import { ChartTools } from "./chart-tools";
import { MarkRow, type Drawn } from "./marks";
import { crossHair } from "./cross-hair";
import { Plot } from "./plot";
import type { Hover } from "./plot-model";

interface Props {
  session: RunSession;
  choice: LookChoice;
  chart: ChartSpec;
  look: Look;
  range: readonly [number, number];
  /** Changes when something was added: the reason to draw again. */
  version: string;
}

/** One chart: its legend with the last values, or those under the cross-hair, and its canvas. Only what is in view is drawn. */
export function ChartCard(props: Props) {
  const { session, choice, chart, look, range, version } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const model = useRef<ChartModel | null>(null);
  const [hover, setHover] = useState<Hover>(null);
  const lookDrawn = useRef(look);
  const [drawn, setDrawn] = useState<Drawn | null>(null);
  const [inView, setInView] = useState(false);
  const [large, setLarge] = useState(false);
  const shown = useRef<VNode | null>(null);
  const { off, best, log, marks } = choice.settings;
  const seen = { ...chart, lines: chart.lines.filter(({ metric }) => !off.includes(metric)) };

  useEffect(() => {
    const element = host.current as HTMLDivElement;
    const made = new Plot(element, setHover, (from, to) => choice.zoom(from, to), (frame) => {
      const { axis, zero } = lookDrawn.current;
      setDrawn((last) => (isSame(last, { ...frame, axis, zero }) ? last : { ...frame, axis, zero }));
    });
    plot.current = made;
    const sight = new IntersectionObserver((entries) => setInView(entries.at(-1)?.isIntersecting ?? true), { rootMargin: "200px" });
    sight.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const recolor = (): void => made.recolor();
    scheme.addEventListener("change", recolor);
    return () => {
      sight.disconnect();
      scheme.removeEventListener("change", recolor);
      frames.drop(host);
      made.destroy();
    };
  }, [choice]);

  useEffect(() => {
    if (!inView) return frames.drop(host);
    frames.ask(host, () => {
      const began = performance.now();
      const width = host.current?.clientWidth || 400;
      const { curves, locator } = session;
      const state = session.state as State;
      const across = linesOf(state, curves.begins, marks ? session.marks.all : [], (mark) => locator.place(mark, look.axis), look.axis, look.zero);
      model.current = modelOf(seen, curves, look, range, log, across, width, best ? state.metrics : {});
      lookDrawn.current = look;
      plot.current?.draw(model.current);
      session.topics.spent(performance.now() - began);
    });
  }, [version, inView, off]);

  // What nobody sees stays as it was: of hundreds of charts only those in view cost anything.
  if (!inView && shown.current) return shown.current;
  const state = session.state as State;
  const at = hover && whereWords(hover.x, look, session.now);
  const nowhere = isNowhere(chart, session.curves, look.axis) ? look.axis : null;
  const valueOf = (line: LineSpec): string => valueAt(line, seen.lines.indexOf(line), state, hover, model.current);
  shown.current = (
    <figure class={`chart ${large ? "large" : ""}`} data-chart={chart.title}>
      <figcaption>
        <h2 title={chart.title}>{chart.title}</h2>
        {at ? <span class="where">{at}</span> : <Missing chart={chart} state={state} left={model.current?.left ?? 0} nowhere={nowhere} />}
        <Legend title={chart.title} lines={chart.lines} state={state} valueOf={valueOf} choice={choice} />
        <ChartTools {...{ session, choice, chart: seen, look, range, large, setLarge }} canvas={() => plot.current?.canvas ?? null} />
      </figcaption>
      <div class="plotted">
        <div class="plot" ref={host} role="img" {...crossHair(plot)} aria-label={describe(chart, state)} />
        {drawn && marks && inView && (
          <MarkRow session={session} drawn={drawn} belongs={(mark) => belongsTo(chart, state.metrics, mark)} />
        )}
      </div>
    </figure>
  );
  return shown.current;
}

function isSame(one: Drawn | null, other: Drawn): boolean {
  return one !== null && (Object.keys(other) as (keyof Drawn)[]).every((key) => one[key] === other[key]);
}

/** What the curves do not show, and why. */
function Missing({ chart, state, left, nowhere }: { chart: ChartSpec; state: State; left: number; nowhere: XAxis | null }) {
  const odd = chart.lines.reduce((sum, { metric }) => sum + (state.metrics[metric]?.nonfinite ?? 0), 0);
  if (odd > 0) return <span class="odd">{count(odd)} not finite</span>;
  if (nowhere) return <span class="where">tells no {nowhere}</span>;
  return left > 0 ? <span class="where">≤ 0 is left out</span> : null;
}

interface LegendProps {
  title: string;
  lines: LineSpec[];
  state: State;
  choice: LookChoice;
  valueOf(line: LineSpec): string;
}

/** The lines with their values. Where there are several, a line that is pressed goes, or comes back. */
function Legend({ title, lines, state, choice, valueOf }: LegendProps) {
  const named = lines.length > 1 || lines[0]?.label !== title;
  return (
    <span class="legend">
      {lines.map((line) => {
        const off = choice.settings.off.includes(line.metric);
        const words = (
          <>
            <i class={`s${line.color + 1} ${["", "dashed", "dotted", "dashed"][line.dash]}`} aria-hidden="true" />
            {named && <span class="of">{line.label}{line.ranks && ` · ${line.ranks.length} ranks`}</span>}
            <b>{off ? "hidden" : valueOf(line)}</b>
          </>
        );
        if (lines.length < 2 && !off) return <span key={line.metric} title={tellOf(line, state)}>{words}</span>;
        return (
          <button key={line.metric} type="button" class={off ? "off" : ""} aria-pressed={!off} title={tellOf(line, state)}
            onClick={() => choice.toggle("off", line.metric)}>
            {words}
          </button>
        );
      })}
    </span>
  );
}

/** A line in words: what it is, and between which values it lies. */
function tellOf({ metric, ranks }: LineSpec, state: State): string {
  const held = state.metrics[metric];
  const where = (step: number | null): string => (step === null ? "" : ` at step ${count(step)}`);
  if (!held || held.min === null) return (ranks ?? [metric]).join(", ");
  const best = held.best === null ? [] : [`best ${written(held.best, held)}${where(held.best_step)}`];
  const words = [...best, `smallest ${written(held.min, held)}${where(held.min_step)}`, `largest ${written(held.max, held)}${where(held.max_step)}`];
  return `${(ranks ?? [metric]).join(", ")}\n${words.join("\n")}`;
}

function valueAt(line: LineSpec, index: number, state: State, hover: Hover, model: ChartModel | null): string {
  const metric = state.metrics[line.metric];
  if (!metric) return "–";
  if (!hover && line.ranks) return written(meanOf(line.ranks, state), metric);
  if (!hover || !model) return latest(metric);
  const column = model.rawColumn[index] ?? -1;
  const row = hover.indices[column];
  const held = row == null ? null : model.columns[column]?.[row];
  return typeof held === "number" ? written(held, metric) : "–";
}

/** What the ranks said last, on average. */
function meanOf(ranks: readonly string[], { metrics }: State): number {
  const known = ranks.flatMap((metric) => metrics[metric] ?? []).map((held) => toNumber(held.value)).filter(Number.isFinite);
  return known.reduce((sum, held) => sum + held, 0) / known.length;
}

function whereWords(x: number, look: Look, now: number): string {
  if (look.axis === "time") return axisTime(x);
  if (look.axis === "clock") return clock(x, now, true);
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
