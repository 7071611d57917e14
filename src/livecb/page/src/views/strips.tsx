import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Api, type EventsAnswer, type State } from "../../client/api";
import type { System } from "../../client/generated/events";
import { getJson } from "../../client/http";
import { axisTime } from "../data/axis";
import { chartsOf, type ChartSpec } from "../data/charts";
import { clock, count, value } from "../data/format";
import type { Look } from "../data/lines";
import { Machine } from "../data/machine";
import type { Series } from "../data/series";
import { place } from "../routes";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { lookOf, modelOf, rangeOf, type ChartModel } from "./chart-model";
import { crossHair } from "./cross-hair";
import { Plot, type Hover } from "./plot";

const PAGE = 5_000;
/** So many pages of figures are loaded at most: with one in ten seconds, the last four weeks. */
const MOST_PAGES = 50;

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
  const machine = useMemo(() => new Machine(), [session]);
  const [loaded, setLoaded] = useState(false);
  const beside = longest(session.curves.byName.values());
  useEffect(() => {
    if (!placeable) return undefined;
    let stopped = false;
    // Looking through a long log costs the server seconds: not for what is not in it.
    if (!state.counts.system) return void setLoaded(true);
    void history(session.run, (events) => {
      if (stopped) return false;
      for (const event of events) machine.add(event, longest(session.curves.byName.values()));
      return true;
    }).finally(() => !stopped && setLoaded(true));
    return () => void (stopped = true);
  }, [machine, placeable]);
  const { system } = state;
  if (loaded && system) machine.add(system, beside);
  if (!loaded || machine.charts.length === 0) return null;
  return (
    <section class="strips" aria-label="How busy the machine was">
      {machine.charts.map((chart) => <Strip key={chart.title} {...{ machine, chart, look, range, choice }} now={session.now} />)}
    </section>
  );
}

function longest(curves: Iterable<Series>): Series | null {
  let found: Series | null = null;
  for (const curve of curves) if (!found || curve.count > found.count) found = curve;
  return found;
}

/** Read what was said of the machine, page by page; what fails leaves the strips to what comes. */
async function history(run: string, take: (events: System[]) => boolean): Promise<void> {
  const api = new Api(place(location.pathname).base);
  let cursor = "0";
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const answer = await getJson<EventsAnswer>(api.events(run, { types: "system", cursor, limit: PAGE })).catch(() => null);
    if (!answer) return;
    const events = answer.events.map((event) => (typeof event === "string" ? JSON.parse(event) : event) as System);
    if (!take(events) || events.length < PAGE) return;
    cursor = answer.cursor;
  }
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
