import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Note } from "../../client/generated/events";
import type { RunSession } from "../session";
import { Reasoned } from "./reasoned";

/** Lets a note say something else, or takes it back; says why where one may not. */
export function NoteTools({ note, session }: { note: Note; session: RunSession }) {
  const { wheel } = session;
  const [doing, setDoing] = useState<"edit" | "delete" | null>(null);
  const close = (): void => setDoing(null);
  const reason = reasonOf(note, session);
  const id = note.id ?? "";
  const failure = wheel.failures.get(`note ${id}`);
  if (doing === "edit") return <Edit note={note} session={session} close={close} />;
  if (doing === "delete") {
    return (
      <div class="note-form ask" role="group" aria-label="Delete this note?" onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
        <p class="fate">Delete it? It stays in the log, and is shown nowhere any more.</p>
        <div class="answers">
          <button ref={focused} type="button" class="small stop" onClick={() => void wheel.takeBack(id).then(close)}>Delete</button>
          <button type="button" class="small" onClick={close}>Keep it</button>
        </div>
      </div>
    );
  }
  return (
    <div class="note-tools">
      <Reasoned reason={reason} class="bare" press={() => setDoing("edit")}>edit</Reasoned>
      <Reasoned reason={reason} class="bare" press={() => setDoing("delete")}>delete</Reasoned>
      {failure && <p class="fate bad" role="alert">{failure}</p>}
    </div>
  );
}

function Edit({ note, session, close }: { note: Note; session: RunSession; close(): void }) {
  const { wheel } = session;
  const id = note.id ?? "";
  const [text, setText] = useState(note.text);
  const [complaint, setComplaint] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (text.trim() === "") return setComplaint("expected some words; delete the note to have none");
    setComplaint("");
    if (await wheel.rewrite(id, text.trim())) close();
  };
  const failure = complaint || wheel.failures.get(`note ${id}`);
  return (
    <form class="note-form" onSubmit={(event) => void submit(event)} noValidate onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <textarea ref={field} rows={2} aria-label="What the note says" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      {failure && <p class="fate bad" role="alert">{failure}</p>}
      <div class="answers">
        <button type="submit" class="small">Save</button>
        <button type="button" class="small" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

function reasonOf(note: Note, { wheel }: RunSession): string | null {
  if (!note.id) return "The training wrote it: what a training says stays.";
  if (wheel.access?.role !== "view") return null;
  return "You may look at this run, not write on it: ask whoever gave you the address for one with the role “control”.";
}

function focused(button: HTMLButtonElement | null): void {
  button?.focus();
}
