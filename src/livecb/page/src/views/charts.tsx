import { useEffect, useMemo, useState } from "preact/hooks";
import type { State } from "../../client/api";
import { chartsOf, matches } from "../data/charts";
import type { Look } from "../data/lines";
import { axesOf, axisOf } from "../data/axes";
import type { XAxis } from "../data/series";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { ChartCard } from "./chart-card";
import { ownRangeOf, rangeOf } from "./chart-model";

const MANY = 6;

/** All charts of a run, and what is chosen for them. */
export function Charts({ session, choice }: { session: RunSession; choice: LookChoice }) {
  useTopics(session.topics, "curves", "state", "marks");
  useTopics(choice.topics, "look");
  const [wanted, setWanted] = useState("");
  const state = session.state as State;
  const names = Object.keys(state.metrics).join("\n");
  const charts = useMemo(() => chartsOf(state.metrics), [names]);
  const shown = wanted.trim() ? charts.filter((chart) => matches(chart, wanted.trim())) : charts;
  const { smoothing, log, marks } = choice.settings;
  const axis = axisOf(state, choice.settings.axis);
  const look: Look = { axis, smoothing, from: choice.from, to: choice.to, zero: state.started ?? 0 };
  const range = rangeOf(shown, session.curves, look);
  useEffect(() => {
    const zero = axis === "time" ? look.zero : 0;
    if (look.from === null || look.to === null) return undefined;
    const [from, to] = [look.from + zero, look.to + zero];
    const timer = setTimeout(() => void session.lookCloser(axis, from, to), 120);
    return () => clearTimeout(timer);
  }, [session, axis, look.from, look.to]);
  const version = (metrics: string[], range: readonly [number, number]): string =>
    [...metrics.map((name) => session.curves.byName.get(name)?.version), session.closer, range, axis, smoothing, log, marks && session.marks.version, state.rewinds.length,
      session.curves.begins.size].join();
  if (charts.length === 0) {
    return <p class="empty card">No curves yet. They begin with the first metric that is logged.</p>;
  }
  return (
    <>
      <ChartBar {...{ choice, axis }} axes={axesOf(state)} wanted={charts.length >= MANY ? wanted : null} setWanted={setWanted} />
      <div class={`charts ${["", "single", "", "three"][shown.length] ?? ""}`}>
        {shown.map((chart) => {
          const own = ownRangeOf(chart, session.curves, look, range);
          const names = chart.lines.map((line) => line.metric);
          return <ChartCard key={chart.title} {...{ session, choice, chart, look }} range={own} version={version(names, own)} />;
        })}
      </div>
      {shown.length === 0 && <p class="empty card">No metric is called “{wanted}”.</p>}
    </>
  );
}

interface BarProps {
  choice: LookChoice;
  axis: XAxis;
  axes: readonly XAxis[];
  /** What is looked for; null where there is too little to look for. */
  wanted: string | null;
  setWanted(wanted: string): void;
}

function ChartBar({ choice, axis, axes, wanted, setWanted }: BarProps) {
  const { smoothing, log, marks } = choice.settings;
  return (
    <div class="bar" role="group" aria-label="How the charts are shown">
      <div class="seg" role="radiogroup" aria-label="Horizontal axis">
        {axes.map((name) => (
          <label key={name} class={name === axis ? "on" : ""}>
            <input type="radio" name="axis" checked={name === axis} onChange={() => choice.set({ axis: name })} />
            {name}
          </label>
        ))}
      </div>
      <label class="smooth" title="Debiased exponential average; the measured values stay visible behind it. Short curves, validation and one value an epoch are drawn as measured">
        <span>{smoothing === 0 ? "raw" : `smooth ${smoothing.toFixed(2)}`}</span>
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={smoothing}
          aria-label="Smoothing"
          onInput={(event) => choice.set({ smoothing: Number(event.currentTarget.value) })}
        />
      </label>
      <div class="seg">
        <button type="button" aria-pressed={log} class={log ? "on" : ""} onClick={() => choice.set({ log: !log })}>
          log y
        </button>
        <button type="button" aria-pressed={marks} class={marks ? "on" : ""} onClick={() => choice.set({ marks: !marks })}
          title="What happened, on the axis: commands, checkpoints, alerts, notes">
          events
        </button>
      </div>
      {choice.from !== null && (
        <div class="seg">
          <button type="button" onClick={() => choice.zoom(null, null)} title="Escape, or double-click in a chart">
            show all
          </button>
        </div>
      )}
      {wanted !== null && (
        <input
          class="find"
          type="search"
          placeholder="find a metric …"
          aria-label="Find a metric"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      )}
    </div>
  );
}
