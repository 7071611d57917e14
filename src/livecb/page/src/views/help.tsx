import { useEffect, useRef } from "preact/hooks";

const KEYS: [string, string][] = [
  ["1 – 7", "the views, from left to right"],
  ["s b e", "over steps, batches, epochs"],
  ["a o", "over samples, tokens"],
  ["t c", "over time since the start, time of day"],
  ["l L", "logarithmic values, axis, and back"],
  ["m", "marks of what happened, or none"],
  ["[ ]", "less, more smoothing"],
  ["drag", "zoom into a part of all charts"],
  ["Esc", "show all of it again"],
  ["u", "up to the list of runs"],
  ["?", "this"],
];

/** The keys, in a dialog that Escape closes. */
export function Help({ close }: { close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {KEYS.map(([key, words]) => (
          <div key={key}>
            <dt><kbd>{key}</kbd></dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>Close</button>
    </dialog>
  );
}
