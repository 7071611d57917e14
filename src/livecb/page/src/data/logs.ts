import type { Log } from "../../client/generated/events";

/** One line of the console: a message of several lines makes several rows, of which only the first has a time. */
export interface LogRow {
  key: string;
  first: boolean;
  time: number;
  level: string;
  source: string;
  text: string;
}

/** What stands before a row's text: its level, where that is worth a word, and its source. */
export function sourceOf(row: LogRow): string {
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
    for (let text = row.text; text !== "" || lines.length === 0; ) {
      const room = Math.max(LEAST, width - (lines.length === 0 ? lead : 0));
      const space = text.length > room ? text.lastIndexOf(" ", room - 1) : -1;
      const end = space > room / 2 ? space + 1 : room;
      lines.push({ ...row, key: `${row.key}.${lines.length}`, first: row.first && lines.length === 0, text: text.slice(0, end) });
      text = text.slice(end);
    }
    return lines;
  });
}

/** Consecutive log events: where they stand in the log, and their rows while they are in memory. */
interface Page {
  start: string;
  events: number;
  rows: LogRow[] | null;
}

const KEEP_ROWS = 5_000;
/** Log events to a page. */
export const PAGE_EVENTS = 1_000;
// Colours and cursor movements of terminals; a line that was redrawn in place counts as it was last.
const ANSI = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Keeps the newest lines of a log in memory, and knows where the older ones are to be had. */
export class LogBuffer {
  /** Log events in all, those with them that are not in memory. */
  count = 0;
  version = 0;
  #pages: Page[] = [];
  #rows: LogRow[] | null = null;
  // History and live lines overlap where they meet: a line is known by its writer, number and time.
  #live: Set<string> | null = new Set();
  #recent = new Set<string>();

  /** The rows in memory, oldest first. The same array until something changes. */
  get rows(): readonly LogRow[] {
    this.#rows ??= this.#pages.flatMap((page) => page.rows ?? []);
    return this.#rows;
  }

  /** Add a page of history, older than all that came live. `events` are the log events after cursor `start`. */
  addHistory(start: string, events: readonly Log[], at: number): void {
    const fresh = events.filter((event) => !this.#live?.has(keyOf(event)));
    this.#recent = new Set(events.map(keyOf));
    if (fresh.length === 0) return;
    this.#pages.splice(at, 0, { start, events: fresh.length, rows: fresh.flatMap(toRows) });
    this.count += fresh.length;
    this.#changed();
  }

  /** Whether all history has been asked for and has come. */
  get complete(): boolean {
    return this.#live === null;
  }

  /** All history is here. */
  historyDone(): void {
    this.#live = null;
    this.#changed(this.#rows);
  }

  /** Add a line that just came; `before` is the cursor that stood before it. */
  add(event: Log, before: string): void {
    if (this.#recent.has(keyOf(event))) return;
    this.#live?.add(keyOf(event));
    let page = this.#pages.at(-1);
    if (!page?.rows || page.events >= PAGE_EVENTS) {
      page = { start: before, events: 0, rows: [] };
      this.#pages.push(page);
    }
    page.events++;
    this.count++;
    const rows = toRows(event);
    page.rows?.push(...rows);
    if (this.#rows) this.#rows.push(...rows);
    this.#changed(this.#rows);
  }

  /** Where the next older page is to be read from and how many log events it has; null if all are in memory. */
  older(): { start: string; events: number } | null {
    const at = this.#firstInMemory();
    const page = this.#pages[at - 1];
    return page ? { start: page.start, events: page.events } : null;
  }

  /** Take back an older page that was asked for. */
  restore(start: string, events: readonly Log[]): void {
    const page = this.#pages.find((candidate) => candidate.start === start && !candidate.rows);
    if (!page) return;
    page.rows = events.slice(0, page.events).flatMap(toRows);
    this.#changed();
  }

  clear(): void {
    this.#pages = [];
    this.#live = new Set();
    this.#recent = new Set();
    this.count = 0;
    this.#changed();
  }

  /** Let go of the oldest pages beyond what is kept. */
  trim(): void {
    let rows = this.#pages.reduce((sum, page) => sum + (page.rows?.length ?? 0), 0);
    for (const page of this.#pages) {
      const size = page.rows?.length ?? 0;
      if (rows - size < KEEP_ROWS) return;
      if (size === 0) continue;
      page.rows = null;
      rows -= size;
      this.#changed();
    }
  }

  #firstInMemory(): number {
    const at = this.#pages.findIndex((page) => page.rows);
    return at < 0 ? this.#pages.length : at;
  }

  #changed(rows: LogRow[] | null = null): void {
    this.version++;
    this.#rows = rows;
  }
}

function keyOf(event: Log): string {
  return `${event.rank ?? 0}:${event.seq}:${event.time}`;
}

function toRows(event: Log): LogRow[] {
  const source = event.logger ?? event.stream ?? "";
  const rank = event.rank ? `rank ${event.rank} ` : "";
  const lines = event.message.replace(ANSI, "").replace(/\r?\n$/, "").split(/\r?\n/);
  return lines.map((line, index) => ({
    key: `${keyOf(event)}:${index}`,
    first: index === 0,
    time: event.time,
    level: (event.level ?? "INFO").toUpperCase(),
    source: rank + source,
    text: line.slice(line.lastIndexOf("\r") + 1),
  }));
}
