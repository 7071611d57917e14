import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State } from "../../client/api";
import { parsed } from "../data/scale";
import type { RunSession } from "../session";

/** A place to write a note on the run, or on one step of it. */
export function NoteForm({ session, close }: { session: RunSession; close(): void }) {
  const { wheel } = session;
  const state = session.state as State;
  const [text, setText] = useState("");
  const [step, setStep] = useState(state.alive && state.step !== null ? String(state.step) : "");
  const [name, setName] = useState(wheel.name);
  const [complaint, setComplaint] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const at = step.trim() === "" ? null : parsed(step, 0, null);
    if (typeof at === "string" || (at !== null && !Number.isInteger(at))) return setComplaint(`expected a whole step, or nothing for the run as a whole, got “${step}”`);
    if (text.trim() === "") return setComplaint("expected some words");
    setComplaint("");
    if (!wheel.access?.name) wheel.name = name;
    if (await wheel.note(text.trim(), at)) close();
  };
  const failure = complaint || wheel.failures.get("note");
  if (wheel.barred) return <p class="none">You may look at this run, not write on it.</p>;
  return (
    <form class="note-form" onSubmit={(event) => void submit(event)} noValidate
      onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <textarea ref={field} rows={2} aria-label="Note" placeholder="what should be remembered" value={text}
        onInput={(event) => setText(event.currentTarget.value)} />
      <div class="line">
        {state.step !== null && (
          <label>step <input class="number" inputMode="numeric" autocomplete="off" placeholder="none" value={step} onInput={(event) => setStep(event.currentTarget.value)} /></label>
        )}
        {!wheel.access?.name && (
          <label class="who">by <input autocomplete="nickname" placeholder="your name" value={name} onInput={(event) => setName(event.currentTarget.value)} /></label>
        )}
      </div>
      {failure && <p class="fate bad" role="alert">{failure}</p>}
      <div class="answers">
        <button type="submit" class="small">Write</button>
        <button type="button" class="small" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}
