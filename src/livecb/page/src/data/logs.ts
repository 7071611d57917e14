import type { Log } from "../../client/generated/events";
import { parseAnsi, type Span } from "./ansi";
import { clock } from "./format";

/** One line of the console: a message of several lines makes several rows, of which only the first has a time. */
export interface LogRow {
  key: string;
  /** The place of its event among all that are shown. */
  number: number;
  first: boolean;
  time: number;
  level: string;
  source: string;
  text: string;
  /** Where its text begins in its message, and how that is coloured. */
  at: number;
  spans: readonly Span[];
}

/** What stands before a row's text: its level, where that is worth a word, and its source. */
export function sourceOf(row: Pick<LogRow, "first" | "level" | "source">): string {
  if (!row.first) return "";
  const level = row.level !== "INFO" && !["stdout", "stderr"].includes(row.source) ? `${row.level} ` : "";
  return level + (row.source && `${row.source}: `);
}

/** Least letters that are worth a line of their own. */
const LEAST = 20;

/** Fold long rows into lines of `width` letters, between words where there are any. */
export function folded(rows: readonly LogRow[], width: number): LogRow[] {
  return rows.flatMap((row) => {
    const lead = sourceOf(row).length;
    if (lead + row.text.length <= width || width < LEAST) return row;
    const lines: LogRow[] = [];
    for (let { text, at } = row; text !== "" || lines.length === 0; ) {
      const room = Math.max(LEAST, width - (lines.length === 0 ? lead : 0));
      const space = text.length > room ? text.lastIndexOf(" ", room - 1) : -1;
      const end = space > room / 2 ? space + 1 : room;
      lines.push({ ...row, key: `${row.key}.${lines.length}`, first: row.first && lines.length === 0, text: text.slice(0, end), at });
      text = text.slice(end);
      at += end;
    }
    return lines;
  });
}

const GRAVENESS: Record<string, number> = { DEBUG: 10, INFO: 20, WARNING: 30, WARN: 30, ERROR: 40, CRITICAL: 50, FATAL: 50 };

/** Whether a line is of a level, or a graver one; a level that nobody knows counts as INFO. */
export function isOf(event: Log, level: string | null): boolean {
  if (level === null) return true;
  const graveness = (name: string): number => GRAVENESS[name.toUpperCase()] ?? 20;
  return graveness(event.level ?? "INFO") >= graveness(level);
}

function sourceName(event: Log): string {
  return (event.rank ? `rank ${event.rank} ` : "") + (event.logger ?? event.stream ?? "");
}

/** A line as it is copied and saved. */
export function asText(event: Log, now: number): string {
  const source = sourceOf({ first: true, level: (event.level ?? "INFO").toUpperCase(), source: sourceName(event) });
  return `${clock(event.time, now, true)}  ${source}${plain(event)}`;
}

/** What a line says, without colours; a line that was drawn over in place counts as it was last. */
export function plain(event: Log): string {
  return linesOf(parseAnsi(event.message).text).map(({ text }) => text).join("\n");
}

function linesOf(text: string): { text: string; at: number }[] {
  const whole = text.replace(/\r?\n$/, "");
  let at = 0;
  return whole.split("\n").map((line) => {
    const begin = at;
    at += line.length + 1;
    const shown = line.replace(/\r+$/, "");
    const last = shown.lastIndexOf("\r") + 1;
    return { text: shown.slice(last), at: begin + last };
  });
}

function toRows(event: Log, number: number): LogRow[] {
  const { text, spans } = parseAnsi(event.message);
  return linesOf(text).map((line, index) => ({
    key: `${number}:${index}`, number, first: index === 0, time: event.time, level: (event.level ?? "INFO").toUpperCase(),
    source: sourceName(event), text: line.text, at: line.at, spans,
  }));
}

/** Log lines to a page. */
export const PAGE_EVENTS = 250;
const KEEP_PAGES = 24;

interface Page {
  events: Log[];
  rows: LogRow[] | null;
}

/**
 * The lines of a log by their places: those pages that somebody looks at, and the last one. How many rows a page that
 * is not here takes is guessed, a row for each line.
 */
export class LogPages {
  /** Lines there are. Null until the server said so. */
  count: number | null = null;
  /** Letters to a row. */
  width = Infinity;
  version = 0;
  #pages = new Map<number, Page>();
  #starts: number[] | null = null;

  get pageCount(): number {
    return Math.ceil((this.count ?? 0) / PAGE_EVENTS);
  }

  /** Events in memory. */
  get held(): number {
    return [...this.#pages.values()].reduce((sum, page) => sum + page.events.length, 0);
  }

  get rowCount(): number {
    return this.#layout.at(-1) as number;
  }

  event(number: number): Log | undefined {
    return this.#pages.get(Math.floor(number / PAGE_EVENTS))?.events[number % PAGE_EVENTS];
  }

  /** Take in a page that was asked for. A last page that is not full yet grows. */
  load(page: number, events: readonly Log[], count: number): void {
    const known = this.#pages.get(page);
    if (known && known.events.length >= events.length) return;
    this.#pages.set(page, { events: [...events], rows: null });
    this.count = Math.max(this.count ?? 0, count, page * PAGE_EVENTS + events.length);
    this.#changed();
  }

  /** Take in a line that just came, the last one so far. */
  add(event: Log): void {
    const number = this.count ?? 0;
    const at = Math.floor(number / PAGE_EVENTS);
    let page = this.#pages.get(at);
    if (!page && number % PAGE_EVENTS === 0) this.#pages.set(at, (page = { events: [], rows: [] }));
    this.count = number + 1;
    if (page?.events.length === number % PAGE_EVENTS) {
      page.events.push(event);
      page.rows?.push(...folded(toRows(event, number), this.width));
    }
    this.#changed();
  }

  /** Another width folds otherwise. */
  fold(width: number): void {
    if (width === this.width) return;
    this.width = width;
    for (const page of this.#pages.values()) page.rows = null;
    this.#changed();
  }

  /** The rows between two of them; null for what is not here. */
  rows(from: number, to: number): (LogRow | null)[] {
    const found: (LogRow | null)[] = [];
    for (let page = this.pageOfRow(from); page < this.pageCount && (this.#layout[page] as number) < to; page++) {
      const begin = this.#layout[page] as number;
      const end = Math.min(to, this.#layout[page + 1] as number);
      const rows = this.#rowsOf(page);
      for (let row = Math.max(from, begin); row < end; row++) found.push(rows?.[row - begin] ?? null);
    }
    return found;
  }

  /** The row at which a line begins. */
  rowOf(number: number): number {
    const page = Math.floor(number / PAGE_EVENTS);
    if (page >= this.pageCount) return this.rowCount;
    const begin = this.#layout[page] as number;
    const within = this.#rowsOf(page)?.findIndex((row) => row.number === number);
    return begin + (within === undefined || within < 0 ? number % PAGE_EVENTS : within);
  }

  /** The line that a row belongs to. */
  numberAt(row: number): number {
    const page = this.pageOfRow(row);
    const within = row - (this.#layout[page] ?? 0);
    return this.#rowsOf(page)?.[within]?.number ?? Math.min(page * PAGE_EVENTS + within, Math.max(0, (this.count ?? 0) - 1));
  }

  pageOfRow(row: number): number {
    let low = 0;
    let high = Math.max(0, this.pageCount - 1);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#layout[middle] as number) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The pages between two rows that are not here, or not wholly. */
  missing(from: number, to: number): number[] {
    const found: number[] = [];
    for (let page = this.pageOfRow(from); page <= this.pageOfRow(to) && page < this.pageCount; page++) {
      const size = Math.min(PAGE_EVENTS, (this.count ?? 0) - page * PAGE_EVENTS);
      if ((this.#pages.get(page)?.events.length ?? 0) < size) found.push(page);
    }
    return found;
  }

  /** Let go of pages far from what is looked at, and from the end. */
  trim(row: number): void {
    if (this.#pages.size <= KEEP_PAGES) return;
    const here = this.pageOfRow(row);
    const far = (page: number): number => Math.min(Math.abs(page - here), 2 * (this.pageCount - 1 - page));
    const gone = [...this.#pages.keys()].sort((a, b) => far(a) - far(b)).slice(KEEP_PAGES);
    for (const page of gone) this.#pages.delete(page);
    this.#changed();
  }

  /** For each page the row it begins at, and at last how many rows there are. */
  get #layout(): number[] {
    if (this.#starts) return this.#starts;
    const starts = [0];
    for (let page = 0; page < this.pageCount; page++) {
      const size = Math.min(PAGE_EVENTS, (this.count ?? 0) - page * PAGE_EVENTS);
      const rows = this.#rowsOf(page);
      const beyond = rows ? size - (this.#pages.get(page)?.events.length ?? 0) : size;
      starts.push((starts[page] as number) + (rows?.length ?? 0) + beyond);
    }
    this.#starts = starts;
    return starts;
  }

  #rowsOf(at: number): LogRow[] | undefined {
    const page = this.#pages.get(at);
    if (!page) return undefined;
    page.rows ??= folded(page.events.flatMap((event, i) => toRows(event, at * PAGE_EVENTS + i)), this.width);
    return page.rows;
  }

  #changed(): void {
    this.#starts = null;
    this.version++;
  }
}

/** How much of what came between two cursors was not known at a third one yet: each part of a log for itself. */
export function newsOf(before: string, after: string, known: string): "none" | "some" | "all" {
  const [old, now, all] = [before, after, known].map(partsOf) as [Map<string, number>, Map<string, number>, Map<string, number>];
  const moved = [...now].filter(([part, at]) => at !== (old.get(part) ?? 0));
  if (moved.every(([part, at]) => at <= (all.get(part) ?? 0))) return "none";
  return moved.every(([part]) => (old.get(part) ?? 0) >= (all.get(part) ?? 0)) ? "all" : "some";
}

function partsOf(cursor: string): Map<string, number> {
  return new Map(cursor.split(",").map((piece) => {
    const [name, at] = piece.includes("@") ? piece.split("@") : ["main", piece];
    return [name as string, Number(at)];
  }));
}
