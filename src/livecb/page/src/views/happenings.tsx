import { useState } from "preact/hooks";
import type { State } from "../../client/api";
import { copied } from "../copied";
import { isAbandoned } from "../data/attempts";
import { clock, count } from "../data/format";
import { folded, type Mark } from "../data/marks";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { Card } from "./aside";
import { NoteForm } from "./note-form";
import { NoteTools } from "./note-tools";
import { captionOf } from "./words";

const FEW = 5;
const MANY = 200;

/** What happened on the run's way, the latest first: commands, alerts, notes, and all checkpoints in a line; and a place to write one. */
export function Happenings({ session }: { session: RunSession }) {
  useTopics(session.topics, "marks", "state", "wheel");
  const [all, setAll] = useState(false);
  const [writing, setWriting] = useState(false);
  const { marks } = session;
  const told = all ? marks.all : folded(marks.all, (session.state as State).counts.checkpoint ?? 0);
  const shown = told.slice(all ? -MANY : -FEW).reverse();
  const held = marks.all.length + marks.leftOut;
  return (
    <Card title="Events" class="events">
      {!writing && !copied && <button type="button" class="link write" onClick={() => setWriting(true)}>write a note</button>}
      {writing && <NoteForm session={session} close={() => setWriting(false)} />}
      {held === 0 && !writing && <p class="none">Nothing but values so far.</p>}
      <ul class={`happenings ${all ? "all" : ""}`} tabIndex={all ? 0 : undefined} aria-label="What happened, the latest first">
        {shown.map((mark) => <Row key={mark.key} mark={mark} session={session} />)}
      </ul>
      {(all || held > shown.length) && (
        <p class="more">
          <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>{all ? "show fewer" : `all ${count(Math.min(MANY, marks.all.length))} of them`}</button>
          {all && held > shown.length && ` ${count(held - shown.length)} before these are in the log.`}
        </p>
      )}
    </Card>
  );
}

function Row({ mark, session }: { mark: Mark; session: RunSession }) {
  const { now } = session;
  const state = session.state as State;
  const { kind, title, text, who, event } = mark;
  const when = captionOf(event) || clock(event.time, now);
  const long = kind !== "checkpoint" && text;
  // Who saves is the training itself: there is nothing to say of it.
  const by = [who && `by ${who}`, who || state.status === "completed" ? clock(event.time, now) : ""].filter(Boolean).join(" · ");
  return (
    <li class={isAbandoned(event, state.rewinds) ? `${kind} abandoned` : kind}>
      <i aria-hidden="true" />
      <div>
        <span class="head" title={[title, clock(event.time, now, true), text].filter(Boolean).join(" · ")}>
          <span class="title">{title}</span>
          <span class="when">{when}</span>
        </span>
        {(long || who) && <span class="text">{[by, edited(event), long].filter(Boolean).join(" · ")}</span>}
        {event.type === "note" && !copied && <NoteTools note={event} session={session} />}
      </div>
    </li>
  );
}

function edited(event: Mark["event"]): string {
  return event.type === "note" && event.edited != null ? "edited" : "";
}
