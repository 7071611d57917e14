import { axisWords } from "../data/axes";
import type { XAxis } from "../data/series";
import { MOST_SMOOTHING } from "../data/settings";
import type { Part } from "../data/zoom";
import type { LookChoice } from "../look";

interface Props {
  choice: LookChoice;
  /** The part of the axis that is shown, and all there is of it. */
  range: Part;
  all: Part;
  axis: XAxis;
  axes: readonly XAxis[];
  /** Whether there is enough to look for something in. */
  searchable: boolean;
  /** How many charts are hidden. */
  hidden: number;
  /** What is wrong with what is looked for. */
  complaint: string | null;
}

/** How all charts are shown. */
export function ChartBar({ choice, range, all, axis, axes, searchable, hidden, complaint }: Props) {
  const { smoothing, log, logX, marks, best, find } = choice.settings;
  const toggle = (name: "log" | "logX" | "marks" | "best", words: string, title: string) => (
    <button type="button" aria-pressed={choice.settings[name]} class={choice.settings[name] ? "on" : ""} title={title}
      onClick={() => choice.set({ [name]: !{ log, logX, marks, best }[name] })}>
      {words}
    </button>
  );
  return (
    <div class="bar" role="group" aria-label="How the charts are shown">
      <div class="seg" role="radiogroup" aria-label="Horizontal axis">
        {axes.map((name) => (
          <label key={name} class={name === axis ? "on" : ""} title={axisWords(name)}>
            <input type="radio" name="axis" checked={name === axis} onChange={() => choice.set({ axis: name })} />
            {name}
          </label>
        ))}
      </div>
      <label class="smooth" title="Debiased exponential average; the measured values stay visible behind it. Short curves, validation and one value an epoch are drawn as measured">
        <span>{smoothing === 0 ? "raw" : `smooth ${smoothing.toFixed(2)}`}</span>
        <input type="range" min="0" max={MOST_SMOOTHING} step="0.01" value={smoothing} aria-label="Smoothing"
          onInput={(event) => choice.set({ smoothing: Number(event.currentTarget.value) })} />
      </label>
      <div class="seg">
        {toggle("log", "log y", "Logarithmic values")}
        {axis !== "clock" && toggle("logX", "log x", "Logarithmic axis")}
        {toggle("best", "best", "Where each line was best; where its name does not tell which way is better, its smallest and largest value")}
        {toggle("marks", "events", "What happened, on the axis: commands, checkpoints, alerts, notes")}
      </div>
      {choice.from !== null && (
        <div class="seg" role="group" aria-label="The part that is shown">
          <button type="button" onClick={() => choice.move(range, all, -1)} aria-label="Earlier" title="Earlier (<)">←</button>
          <button type="button" onClick={() => choice.move(range, all, 1)} aria-label="Later" title="Later (>)">→</button>
          <button type="button" onClick={() => choice.closer(range, all)} aria-label="Closer" title="Closer (+)">+</button>
          <button type="button" onClick={() => choice.closer(range, all, false)} aria-label="Less close" title="Less close (-)">−</button>
          <button type="button" onClick={() => choice.zoom(null, null)} title="Escape, or double-click in a chart">
            show all
          </button>
        </div>
      )}
      {hidden > 0 && (
        <div class="seg">
          <button type="button" onClick={() => choice.set({ hidden: [] })}>show {hidden} hidden</button>
        </div>
      )}
      {searchable && (
        <input class="find" type="search" placeholder="find a metric …" aria-label="Find a metric" title="Words, or a regular expression such as ^val/.*loss$" value={find}
          aria-describedby={complaint ? "find-why" : undefined} onInput={(event) => choice.set({ find: event.currentTarget.value })} />
      )}
      {complaint && <span class="complaint" id="find-why" role="status">{complaint}</span>}
    </div>
  );
}
