import type { Log } from "../client/generated/events";
import { Backoff } from "../client/backoff";
import { getJson } from "../client/http";
import { finderOf, placeIn, type Finder, type Goal } from "./data/find";
import { LogPages, PAGE_EVENTS, newsOf, isOf, plain } from "./data/logs";
import { inTime } from "./streams/patience";

/** What the server answers: lines from a place on. */
interface LinePage {
  cursor: string;
  total: number;
  count: number;
  from: number;
  lines: Log[];
}

/** Lines to search or to save at once. */
const BLOCK = 5_000;
/** Lines that came while the end of the log was asked for; with more it is asked for again. */
const MOST_WAITING = 20_000;

type Query = Record<string, string | number | null>;

/** The log of a run, as the console shows it: its end at once, any other part when it is looked at, and what comes. */
export class RunLog {
  pages = new LogPages();
  /** Lines of all levels. */
  total = 0;
  /** Only lines of that level, or graver ones. */
  level: string | null = null;
  /** What keeps lines from being loaded, if anything does. */
  failure: string | null = null;
  /** Whether somebody reads further up: what they read stays in memory. */
  reading: number | null = null;
  /** What is searched for. */
  search: Search | null = null;
  #upTo: string | null = null;
  #waiting: [event: Log, before: string, after: string][] = [];
  #missed = false;
  #asked = new Set<number>();
  #stopped = false;

  constructor(private readonly address: (query: Query) => string, readonly changed: () => void) {}

  /** Whether the end of the log is here, and what comes follows it. */
  get complete(): boolean {
    return this.#upTo !== null;
  }

  /** Load the end of the log, however often it takes. */
  async open(): Promise<void> {
    const { pages } = this;
    const backoff = new Backoff();
    const isOpening = (): boolean => !this.#stopped && pages === this.pages && this.#upTo === null;
    for (let tries = 1; isOpening(); tries++) {
      try {
        const about = await this.#ask({ limit: 0 }, tries);
        const from = Math.max(0, Math.floor((about.count - 1) / PAGE_EVENTS)) * PAGE_EVENTS;
        const end = await this.#ask({ from, limit: 2 * PAGE_EVENTS }, tries);
        // Who opened it meanwhile has taken in lines since.
        if (!isOpening()) return;
        if (end.lines.length < end.count - from || this.#missed) {
          this.#missed = false;
          continue; // more came than fits: look at the end anew
        }
        pages.count = end.count;
        this.total = end.total;
        for (let at = 0; at < end.lines.length; at += PAGE_EVENTS) {
          pages.load((from + at) / PAGE_EVENTS, end.lines.slice(at, at + PAGE_EVENTS), end.count);
        }
        this.failure = null;
        this.#upTo = end.cursor;
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const came of waiting) this.add(...came);
        this.changed();
      } catch (error) {
        if (!isOpening()) return;
        this.#failed(error);
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.search?.stop();
  }

  /** The log was replaced. */
  startOver(): void {
    this.#begin();
    this.total = 0;
    this.changed();
  }

  /** Show only lines of a level, or graver ones; all if it is null. */
  choose(level: string | null): void {
    if (level === this.level) return;
    this.level = level;
    this.#begin();
    void this.open();
  }

  /** Take in a line that the stream brought, maybe with others, between two cursors: once, whatever was known already. */
  add(event: Log, before: string, after: string): void {
    if (this.#upTo === null) {
      if (this.#waiting.push([event, before, after]) <= MOST_WAITING) return;
      this.#waiting = [];
      this.#missed = true;
      return;
    }
    const news = newsOf(before, after, this.#upTo);
    if (news === "some") {
      // Which lines of those that came together were loaded, nobody knows: look at the end anew.
      this.#begin();
      void this.open();
      this.add(event, before, after);
    }
    if (news !== "all") return;
    this.total++;
    if (!isOf(event, this.level)) return;
    this.pages.add(event);
    const count = this.pages.count as number;
    this.search?.see(event, count - 1);
    if (count % PAGE_EVENTS === 0) this.pages.trim(this.reading ?? Infinity);
    this.changed();
  }

  /** See that the lines between two rows come. */
  need(from: number, to: number): void {
    for (const page of this.pages.missing(from, to)) void this.#load(page);
  }

  /** The place of a line by its time, its step or its number. */
  async placeOf(goal: Goal): Promise<number> {
    if ("line" in goal) return Math.min(goal.line, Math.max(0, (this.pages.count ?? 1) - 1));
    const { from, count } = await this.#ask({ ...goal, limit: 0 });
    return Math.min(from, Math.max(0, count - 1));
  }

  /** Lines from a place on, as many as come at once. */
  async read(from: number, limit: number): Promise<Log[]> {
    return (await this.#ask({ from, limit })).lines;
  }

  /** Search all lines, the last ones first. Raises `SyntaxError` where it is no regular expression. */
  find(wanted: string, regex: boolean): void {
    const finder = finderOf(wanted, regex);
    this.search?.stop();
    this.search = finder && new Search(finder, this);
    void this.search?.walk();
    this.changed();
  }

  async #load(page: number): Promise<void> {
    const { pages } = this;
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    try {
      const answer = await this.#ask({ from: page * PAGE_EVENTS, limit: PAGE_EVENTS });
      if (pages !== this.pages) return;
      pages.load(page, answer.lines, Math.min(answer.count, pages.count ?? Infinity));
      pages.trim(this.reading ?? Infinity);
      this.failure = null;
    } catch (error) {
      this.#failed(error);
      await new Promise((resolve) => setTimeout(resolve, 1_000)); // then it may be asked for again
    } finally {
      this.#asked.delete(page);
    }
    this.changed();
  }

  #begin(): void {
    this.search?.stop();
    this.pages = new LogPages();
    this.#asked = new Set();
    this.#upTo = null;
    this.#waiting = [];
    if (this.search) {
      this.search = new Search(this.search.finder, this);
      void this.search.walk();
    }
  }

  #ask(query: Query, tries = 1): Promise<LinePage> {
    return getJson<LinePage>(this.address({ ...query, level: this.level }), inTime(tries));
  }

  #failed(error: unknown): void {
    this.failure = error instanceof Error ? error.message : String(error);
    this.changed();
  }
}

/** The lines that hold what is searched for, found block by block from the end. */
export class Search {
  /** Their places, rising. */
  found: number[] = [];
  /** How much of the log was looked through: 1 is all. */
  part = 0;
  failure: string | null = null;
  #stopped = false;

  constructor(readonly finder: Finder, private readonly log: RunLog) {}

  stop(): void {
    this.#stopped = true;
  }

  async walk(): Promise<void> {
    while (!this.log.complete && !this.#stopped) await new Promise((resolve) => setTimeout(resolve, 100));
    const count = this.log.pages.count ?? 0;
    try {
      for (let end = count; end > 0 && !this.#stopped; ) {
        const begin = Math.max(0, end - BLOCK);
        let at = begin;
        const here: number[] = [];
        while (at < end && !this.#stopped) {
          const lines = await this.log.read(at, end - at);
          if (lines.length === 0) break;
          lines.forEach((event, i) => this.finder.has(plain(event)) && here.push(at + i));
          at += lines.length;
        }
        this.found = [...here, ...this.found];
        end = begin;
        this.part = 1 - end / count;
        this.log.changed();
      }
      this.part = 1;
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
    if (!this.#stopped) this.log.changed();
  }

  /** A line came: it is the last one. */
  see(event: Log, number: number): void {
    if (this.finder.has(plain(event)) && (this.found.at(-1) ?? -1) < number) this.found.push(number);
  }

  /** The next one after a line, or the one before it; round at the ends. -1 where there is none. */
  beside(number: number, forward: boolean): number {
    const place = placeIn(this.found, number);
    const next = forward ? place + Number(this.found[place] === number) : place - 1;
    return this.found.length ? (this.found[(next + this.found.length) % this.found.length] as number) : -1;
  }
}
