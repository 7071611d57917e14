import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { State } from "../../client/api";
import { axisTime } from "../data/axis";
import { chartsOf, type ChartSpec } from "../data/charts";
import { clock, count, value } from "../data/format";
import type { Look } from "../data/lines";
import type { Machine } from "../data/machine";
import { figuresOf, MOST_FIGURES } from "../figures";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { lookOf, modelOf, rangeOf, type ChartModel } from "./chart-model";
import { crossHair } from "./cross-hair";
import { Plot } from "./plot";
import type { Hover } from "./plot-model";

interface Props {
  session: RunSession;
  choice: LookChoice;
}

/** How busy the machine was, on the axis of the curves. */
export function Strips({ session, choice }: Props) {
  // Figures have a time only: where the run was then, the curves tell, so that they have to be there first.
  const placeable = session.loads > 0;
  useTopics(session.topics, "state", ...(placeable ? [] : ["curves" as const]));
  useTopics(choice.topics, "look");
  const state = session.state as State;
  const look = lookOf(state, choice);
  const names = Object.keys(state.metrics).join("\n");
  const range = rangeOf(useMemo(() => chartsOf(state.metrics), [names]), session.curves, look);
  const figures = figuresOf(session);
  // Looking through a long log costs the server seconds: not for what is not in it.
  const told = placeable && (state.counts.system ?? 0) > 0;
  useEffect(() => (told ? figures.watch() : undefined), [figures, told]);
  useEffect(() => figures.wish(), [session.connects]);
  figures.see(state.system);
  const { machine } = figures;
  if (machine.charts.length === 0) return null;
  return (
    <section class="strips" aria-label="How busy the machine was">
      {machine.charts.map((chart) => <Strip key={chart.title} {...{ machine, chart, look, range, choice }} now={session.now} />)}
      {figures.cut && <p class="soft">More than {count(MOST_FIGURES)} figures were told of it: the first ones are drawn, and those that came while you looked.</p>}
    </section>
  );
}

interface StripProps {
  machine: Machine;
  chart: ChartSpec;
  look: Look;
  range: readonly [number, number];
  choice: LookChoice;
  now: number;
}

function Strip({ machine, chart, look, range, choice, now }: StripProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const model = useRef<ChartModel | null>(null);
  const [hover, setHover] = useState<Hover>(null);
  useEffect(() => {
    const made = new Plot(host.current as HTMLDivElement, setHover, (from, to) => choice.zoom(from, to), () => undefined);
    plot.current = made;
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const recolor = (): void => made.recolor();
    scheme.addEventListener("change", recolor);
    return () => {
      scheme.removeEventListener("change", recolor);
      made.destroy();
    };
  }, [choice]);
  const version = [...chart.lines.map(({ metric }) => machine.curves.byName.get(metric)?.version), range, look.axis, look.logX].join();
  useEffect(() => {
    model.current = modelOf(chart, machine.curves, look, range, false, [], host.current?.clientWidth || 400);
    plot.current?.draw(model.current);
  }, [version]);
  const shown = (metric: string, i: number): string => {
    const column = model.current?.rawColumn[i] ?? -1;
    const row = hover?.indices[column];
    const held = hover ? (row == null ? null : model.current?.columns[column]?.[row]) : machine.curves.byName.get(metric)?.value.view().at(-1);
    return typeof held === "number" ? value(held, 3) : "–";
  };
  const where = hover && (look.axis === "time" ? axisTime(hover.x) : look.axis === "clock" ? clock(hover.x, now, true) : `${look.axis} ${count(Math.round(hover.x))}`);
  return (
    <figure class="card strip" data-strip={chart.title}>
      <figcaption>
        <h2>{chart.title}</h2>
        {where && <span class="where">{where}</span>}
        <span class="legend">
          {chart.lines.map(({ metric, color, dash }, i) => (
            <span key={metric}><i class={`s${color + 1} ${dash ? "dashed" : ""}`} aria-hidden="true" /><span class="of">{metric}</span> <b>{shown(metric, i)}</b></span>
          ))}
        </span>
      </figcaption>
      <div class="plotted"><div class="plot" ref={host} role="img" {...crossHair(plot)} aria-label={`${chart.title}: ${chart.lines.map(({ metric }, i) => `${metric} ${shown(metric, i)}`).join(", ")}`} /></div>
    </figure>
  );
}
