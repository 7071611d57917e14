import { useEffect, useRef, useState } from "preact/hooks";
import { areKeysOn, turnKeys } from "./keys";

const KEYS: [string, [string, string][]][] = [
  ["Everywhere", [
    ["?", "this"],
    ["/", "find: a run, a metric, a line, a candidate"],
    ["u", "up to the list of runs"],
    ["Tab", "to the next thing; ← → within tabs, marks and charts, ↑ ↓ within menus"],
    ["Esc", "close what is open, else show all of the axis"],
  ]],
  ["A run", [
    ["1 – 8", "the views, from left to right"],
    ["s b e", "over steps, batches, epochs"],
    ["a o", "over samples, tokens"],
    ["t c", "over time since the start, time of day"],
    ["l L", "logarithmic values, axis, and back"],
    ["+ −", "closer, less close"],
    ["< >", "earlier, later"],
    ["[ ]", "less, more smoothing"],
    ["m", "marks of what happened, or none"],
    ["drag", "zoom into a part of all charts, as “Zoom in” behind ⋯ does; a double-click shows all"],
  ]],
  ["The log", [
    ["Enter", "in “find”: the next match; with Shift the one before"],
  ]],
];

/** What stands in charts beside lines: shape, whose colour it has, what it means. */
const SIGNS: [string, string, string][] = [
  ["◇", "", "the best value so far"],
  ["▽ △", "", "largest and smallest, where no name tells which is better"],
  ["╷", "", "a checkpoint"],
  ["●", "", "a note"],
  ["▲", "warn", "an alert"],
  ["❙", "good", "a command that was applied"],
  ["❙", "warn", "a command that was refused"],
  ["┆", "", "an attempt began, or a parameter was set"],
];

/** The keys and signs, in a dialog that Escape closes. */
export function Help({ close }: { close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [on, setOn] = useState(areKeysOn);
  useEffect(() => dialog.current?.showModal(), []);
  const turn = (wish: boolean): void => {
    turnKeys(wish);
    setOn(areKeysOn());
  };
  return (
    <dialog ref={dialog} class="help keys" aria-labelledby="help-title" onClose={close}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div class="sheet-of">
        <p class="top">
          <b id="help-title">Keys and signs</b>
          <button type="button" class="small" autofocus onClick={() => dialog.current?.close()}>Close</button>
        </p>
        <div class="columns">
          {KEYS.map(([where, keys]) => (
            <section key={where}>
              <h3>{where}</h3>
              <dl>
                {keys.map(([key, words]) => (
                  <div key={key}>
                    <dt>{key.split(" ").map((each) => (each === "–" ? each : <kbd key={each}>{each}</kbd>))}</dt>
                    <dd>{words}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
          <section class="signs">
            <h3>In charts</h3>
            <dl>
              {SIGNS.map(([sign, mood, words]) => (
                <div key={words}>
                  <dt class={mood} aria-hidden="true">{sign}</dt>
                  <dd>{words}</dd>
                </div>
              ))}
            </dl>
          </section>
        </div>
        <p class="foot">
          <label><input type="checkbox" checked={on} onChange={(event) => turn(event.currentTarget.checked)} /> Single keys do something</label>
        </p>
      </div>
    </dialog>
  );
}
