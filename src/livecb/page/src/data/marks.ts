import type { Alert, Checkpoint, Command, Note } from "../../client/generated/events";
import { toNumber } from "../../client/number";
import { deedOf, whose } from "./controls";
import { bytes, count as grouped, value } from "./format";

export type MarkEvent = Checkpoint | Alert | Note | Command;

/** What `GET /api/runs/{run}/marks` answers. */
export interface MarksAnswer {
  cursor: string;
  counts: Record<string, number>;
  left_out: number;
  marks: MarkEvent[];
}

/** What a mark looks like; the later ones are the graver ones. */
export const KINDS = ["checkpoint", "note", "applied", "refused", "alert", "error"] as const;
export type MarkKind = (typeof KINDS)[number];

/** Something that happened on the run's way. */
export interface Mark {
  key: string;
  kind: MarkKind;
  /** What happened, in a few words. */
  title: string;
  /** What more there is to say of it. */
  text: string;
  /** Who did it, where somebody did. */
  who: string;
  event: MarkEvent;
}

/** More of a kind would only hide one another: the oldest go, and are counted. */
const MOST = 250;
const TYPES = new Set(["checkpoint", "alert", "note", "command"]);

/** What happened on the run's way: history joined with what comes, each once, by when it happened. */
export class Marks {
  all: Mark[] = [];
  /** How many there were that are not held. */
  leftOut = 0;
  /** Grows with every change. */
  version = 0;
  #keys = new Set<string>();
  #counts = new Map<string, number>();

  load(answer: MarksAnswer): void {
    this.all = [];
    this.#keys.clear();
    this.#counts.clear();
    this.leftOut = answer.left_out;
    for (const event of answer.marks) this.add(event);
    this.version++;
  }

  /** Take in an event of any type; true if it was a mark, and is news. */
  add(event: { type: string }): boolean {
    if (!TYPES.has(event.type)) return false;
    const told = event as MarkEvent;
    if (told.type === "command" && told.phase === "asked") return false;
    const mark = markOf(told);
    if (this.#keys.has(mark.key)) return false;
    this.#keys.add(mark.key);
    this.version++;
    if (told.type === "note" && told.edited != null) {
      this.#takeBack(told);
      if (told.deleted) return true;
    }
    let at = this.all.length;
    while (at > 0 && (this.all[at - 1] as Mark).event.time > told.time) at--;
    this.all.splice(at, 0, mark);
    const held = (this.#counts.get(told.type) ?? 0) + 1;
    this.#counts.set(told.type, Math.min(held, MOST));
    if (held > MOST) this.#dropOldest(told.type);
    return true;
  }

  /** A note was said anew, or taken back: what it said before is no more. */
  #takeBack({ id }: Note): void {
    const at = this.all.findIndex(({ event }) => event.type === "note" && event.id === id);
    if (at < 0) return;
    this.all.splice(at, 1);
    this.#counts.set("note", (this.#counts.get("note") ?? 1) - 1);
  }

  #dropOldest(type: string): void {
    const at = this.all.findIndex(({ event }) => event.type === type);
    this.all.splice(at, 1);
    this.leftOut++;
  }
}

function markOf(event: MarkEvent): Mark {
  const key = [event.type, event.rank ?? 0, event.seq, event.time, event.type === "note" ? `${event.text}|${event.id}|${event.edited}` : ""].join("|");
  return { key, event, ...wordsOf(event) };
}

function wordsOf(event: MarkEvent): Pick<Mark, "kind" | "title" | "text" | "who"> {
  switch (event.type) {
    case "checkpoint": {
      const why = event.metric && event.value != null ? `${event.metric} ${value(toNumber(event.value))}` : "";
      const text = [why, event.size ? bytes(event.size) : ""].filter(Boolean).join(" · ");
      return { kind: "checkpoint", title: event.path.split(/[\\/]/).pop() || event.path, text, who: "" };
    }
    case "alert":
      return { kind: event.level === "ERROR" ? "error" : "alert", title: event.title, text: event.text ?? "", who: "" };
    case "note":
      return { kind: "note", title: event.text, text: "", who: event.author ?? "" };
    default: {
      const refused = event.phase === "refused";
      return { kind: refused ? "refused" : "applied", title: deedOf(event) + (refused ? " refused" : ""), text: event.reason ?? "", who: whose(event) };
    }
  }
}

/** A run saves again and again: told one by one, checkpoints would hide what somebody did or said. */
export function isCheckpoint({ kind }: Mark): boolean {
  return kind === "checkpoint";
}

/** The marks with one line for all `count` checkpoints, where the last of them stands. */
export function folded(marks: readonly Mark[], count: number): Mark[] {
  const last = marks.filter(isCheckpoint).at(-1);
  if (!last || count < 2) return [...marks];
  const all = { ...last, title: `${grouped(count)} checkpoints, the last`, text: [last.title, last.text].filter(Boolean).join(" · ") };
  return marks.filter((mark) => mark === last || !isCheckpoint(mark)).map((mark) => (mark === last ? all : mark));
}

/** Marks that stand so near to one another that they are shown as one: checkpoints alone, or what is told apart from them. */
export interface Cluster {
  /** Where it is shown: the middle of where its marks stand, in the unit of the places. */
  at: number;
  marks: Mark[];
  kind: MarkKind;
  /** How many checkpoints stand beside what is no checkpoint. */
  beside: number;
}

/** Join what stands nearer than `room`; places in any order. Checkpoints move nothing else, and are counted beside it. */
export function clusters(placed: readonly (readonly [Mark, number])[], room: number): Cluster[] {
  const sorted = [...placed].sort((a, b) => a[1] - b[1]);
  const told = joined(sorted.filter(([mark]) => !isCheckpoint(mark)), room);
  const alone: [Mark, number][] = [];
  for (const [mark, at] of sorted) {
    if (!isCheckpoint(mark)) continue;
    const near = told.find((cluster) => Math.abs(cluster.at - at) < room);
    if (near) near.beside++;
    else alone.push([mark, at]);
  }
  return [...told, ...joined(alone, room)].sort((a, b) => a.at - b.at);
}

function joined(sorted: readonly (readonly [Mark, number])[], room: number): Cluster[] {
  const found: { from: number; to: number; marks: Mark[] }[] = [];
  for (const [mark, at] of sorted) {
    const last = found.at(-1);
    if (last && at - (last.from + last.to) / 2 < room) {
      last.to = at;
      last.marks.push(mark);
    } else found.push({ from: at, to: at, marks: [mark] });
  }
  return found.map(({ from, to, marks }) => ({ at: (from + to) / 2, marks, kind: gravest(marks), beside: 0 }));
}

function gravest(marks: readonly Mark[]): MarkKind {
  return KINDS[Math.max(...marks.map(({ kind }) => KINDS.indexOf(kind)))] as MarkKind;
}
