import { useEffect, useRef, useState } from "preact/hooks";
import type { Look } from "../data/lines";
import { clusters, type Cluster, type Mark } from "../data/marks";
import { clock, count } from "../data/format";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import type { Frame } from "./plot-model";
import { captionOf } from "./words";

/** Marks nearer than this, in pixels, are shown as one: what a mouse hits, and what a finger does. */
const ROOM = 24;
const ROOM_FOR_FINGERS = 30;
const MOST_LINES = 6;
const TIP_WIDTH = 260;

/** What a chart shows as it was drawn last: another look may have been chosen since. */
export interface Drawn extends Frame {
  axis: Look["axis"];
  zero: number;
}

interface Props {
  session: RunSession;
  drawn: Drawn;
  /** Whether a mark belongs to the chart. */
  belongs(mark: Mark): boolean;
}

/** What happened, where it happened: on the axis of a chart. One stop of the tab key; arrows go from one to the next. */
export function MarkRow({ session, drawn, belongs }: Props) {
  useTopics(session.topics, "marks");
  const [open, setOpen] = useState<string | null>(null);
  const [current, setCurrent] = useState(0);
  const row = useRef<HTMLDivElement>(null);
  const room = matchMedia("(pointer: coarse)").matches ? ROOM_FOR_FINGERS : ROOM;
  const found = clusters(placed(session, drawn, belongs), room);
  const stop = Math.min(current, found.length - 1);
  useEffect(() => {
    if (open !== null && !found.some((cluster) => nameOf(cluster) === open)) setOpen(null);
  });
  if (found.length === 0) return null;
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") setOpen(null);
    const to = { ArrowLeft: stop - 1, ArrowRight: stop + 1, Home: 0, End: found.length - 1 }[event.key];
    if (to === undefined || !found[to]) return;
    event.preventDefault();
    row.current?.querySelectorAll("button")[to]?.focus();
  };
  return (
    <div class="marks" ref={row} role="group" aria-label="What happened, along the axis" onKeyDown={onKey}
      style={{ left: `${drawn.left}px`, top: `${drawn.bottom}px`, width: `${drawn.width}px` }}>
      {found.map((cluster, at) => {
        const name = nameOf(cluster);
        return (
          <span key={name} class="at" style={{ left: `${cluster.at}px` }} onMouseEnter={() => setOpen(name)} onMouseLeave={() => setOpen(null)}>
            <button type="button" class={`mark ${cluster.kind} ${cluster.marks.length > 1 ? "many" : ""}`} tabIndex={at === stop ? 0 : -1}
              aria-label={allOf(cluster)} aria-expanded={open === name}
              onFocus={() => (setCurrent(at), setOpen(name))} onBlur={() => setOpen(null)} onClick={() => setOpen(name)}>
              <i aria-hidden="true">{cluster.marks.length > 1 && cluster.kind !== "checkpoint" ? cluster.marks.length : ""}</i>
            </button>
            {open === name && <Tip cluster={cluster} width={drawn.width} now={session.now} />}
          </span>
        );
      })}
    </div>
  );
}

function placed({ marks, locator }: RunSession, { axis, zero, from, to, width }: Drawn, belongs: (mark: Mark) => boolean): [Mark, number][] {
  const found: [Mark, number][] = [];
  const begin = axis === "time" ? zero : 0;
  for (const mark of marks.all) {
    const place = locator.place(mark, axis);
    if (place === null || !belongs(mark)) continue;
    const part = (place - begin - from) / (to - from);
    if (part >= 0 && part <= 1) found.push([mark, part * width]);
  }
  return found;
}

/** Keeps the name of what stands there while more joins it at its end. */
function nameOf({ marks: [first] }: Cluster): string {
  return (first as Mark).key;
}

/** All that stands there, in words: how much it is first, as it is seen. */
function allOf({ marks, beside }: Cluster): string {
  const words = [...marks.slice(-MOST_LINES).map(wordsOf), saved(beside)].filter(Boolean).join("; ");
  if (marks.length === 1) return words;
  return `${marks.length} events: ${words}${marks.length > MOST_LINES ? `; and ${marks.length - MOST_LINES} before` : ""}`;
}

function wordsOf(mark: Mark): string {
  const where = captionOf(mark.event);
  return `${KIND_WORDS[mark.kind]}: ${[mark.title, mark.who && `by ${mark.who}`, where].filter(Boolean).join(", ")}`;
}

function saved(beside: number): string {
  return beside > 0 ? `and ${count(beside)} checkpoint${beside === 1 ? "" : "s"} beside it` : "";
}

const KIND_WORDS = { checkpoint: "checkpoint", note: "note", applied: "command", refused: "command", alert: "alert", error: "alert" };

/** What happened there, the newest first; it stays within its chart. */
function Tip({ cluster, width, now }: { cluster: Cluster; width: number; now: number }) {
  const wide = Math.min(TIP_WIDTH, width);
  const left = Math.min(Math.max(-cluster.at, -wide / 2), width - cluster.at - wide);
  const shown = [...cluster.marks].reverse().slice(0, MOST_LINES);
  return (
    <div class="tip" role="tooltip" style={{ left: `${left}px`, width: `${wide}px` }}>
      {shown.map((mark) => (
        <p key={mark.key}>
          <b>{mark.title}</b>
          <span>{[mark.who && `by ${mark.who}`, captionOf(mark.event), clock(mark.event.time, now)].filter(Boolean).join(" · ")}</span>
          {mark.text && <span>{mark.text}</span>}
        </p>
      ))}
      {cluster.marks.length > MOST_LINES && <p><span>and {cluster.marks.length - MOST_LINES} before</span></p>}
      {cluster.beside > 0 && <p><span>{saved(cluster.beside)}</span></p>}
    </div>
  );
}
