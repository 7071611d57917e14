import { useEffect, useMemo } from "preact/hooks";
import type { State } from "../../client/api";
import { axesOf } from "../data/axes";
import { chartsOf, searchOf, type ChartSpec } from "../data/charts";
import { groupsOf, isOpen } from "../data/groups";
import type { Look } from "../data/lines";
import { placeOn } from "../data/series";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { ChartBar } from "./chart-bar";
import { ChartCard } from "./chart-card";
import { lookOf, metricsOf, ownRangeOf, rangeOf } from "./chart-model";
import { useKeys } from "./keys";

const MANY = 6;

/** All charts of a run, and what is chosen for them. */
export function Charts({ session, choice }: { session: RunSession; choice: LookChoice }) {
  useTopics(session.topics, "curves", "state", "marks");
  useTopics(choice.topics, "look");
  const state = session.state as State;
  const names = Object.keys(state.metrics).join("\n");
  const charts = useMemo(() => chartsOf(state.metrics), [names]);
  const { find, hidden, pinned, folds } = choice.settings;
  const search = useMemo(() => searchOf(find), [find]);
  const present = charts.filter(({ title }) => !hidden.includes(title));
  const shown = find.trim() ? charts.filter((chart) => search.matches(chart)) : present;
  const look = lookOf(state, choice);
  const { axis } = look;
  const range = rangeOf(shown, session.curves, look);
  const all = look.from === null ? range : rangeOf(shown, session.curves, { ...look, from: null, to: null });
  useLookingCloser(session, look);
  useKeys({
    "+": () => choice.closer(range, all), "-": () => choice.closer(range, all, false),
    "<": () => choice.move(range, all, -1), ">": () => choice.move(range, all, 1),
  });
  if (charts.length === 0) {
    return <p class="empty card">No curves yet. They begin with the first metric that is logged.</p>;
  }
  const groups = groupsOf(shown, pinned);
  const card = (chart: ChartSpec) => {
    const own = ownRangeOf(chart, session.curves, look, range);
    return <ChartCard key={chart.title} {...{ session, choice, chart, look }} range={own} version={versionOf(session, choice, chart, look, own)} />;
  };
  return (
    <>
      <ChartBar choice={choice} range={range} all={all} axis={axis} axes={axesOf(state)} searchable={charts.length >= MANY || find !== ""} hidden={charts.length - present.length}
        complaint={search.complaint} />
      {groups.map((group) => {
        const open = find.trim() !== "" || isOpen(groups, group, folds);
        const cards = <div class={`charts ${groups.length > 1 ? "" : ["", "single", "", "three"][shown.length] ?? ""}`}>{open && group.charts.map(card)}</div>;
        if (groups.length === 1) return cards;
        return (
          <section key={group.name} class="group" aria-label={group.name || "metrics"}>
            <h2>
              <button type="button" aria-expanded={open} disabled={find.trim() !== ""} onClick={() => choice.toggle("folds", group.name)}>
                {group.name || "metrics"} <span class="soft">{group.charts.length}</span>
              </button>
            </h2>
            {cards}
          </section>
        );
      })}
      {shown.length === 0 && <p class="empty card">{find.trim() ? `No metric is called “${find.trim()}”.` : "All charts are hidden."}</p>}
    </>
  );
}

/** Ask for the points of a part that is looked at, once it stays; and again where the curves were loaded since. */
function useLookingCloser(session: RunSession, { axis, from, to, zero }: Look): void {
  useEffect(() => {
    const begin = axis === "time" ? zero : 0;
    if (from === null || to === null) return undefined;
    const timer = setTimeout(() => void session.lookCloser(placeOn(axis), from + begin, to + begin), 120);
    return () => clearTimeout(timer);
  }, [session, session.loads, axis, from, to]);
}

/** Changes when the chart is to be drawn again. */
function versionOf(session: RunSession, { settings }: LookChoice, { lines }: ChartSpec, { axis, smoothing, logX }: Look, range: readonly [number, number]): string {
  const { log, marks, best } = settings;
  const { curves, closer } = session;
  const rewinds = (session.state as State).rewinds.length;
  return [...lines.flatMap(metricsOf).map((name) => curves.byName.get(name)?.version), closer, range, axis, smoothing, log, logX, best,
    marks && session.marks.version, rewinds, curves.begins.size].join();
}
