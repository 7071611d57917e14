import type { Baseline, RunRow } from "../client/api";
import { ApiError } from "../client/errors";
import { getJson } from "../client/http";

/** What this viewer may do, each with all before it. */
const LADDER = ["view", "control", "write", "admin"] as const;
type Role = (typeof LADDER)[number];

/** What was done last, and how it is undone, if it can be. */
export interface Deed {
  words: string;
  undo: (() => Promise<void>) | null;
}

interface Label {
  name?: string | null;
  tags?: string[];
  archived?: boolean;
}

/** What a viewer does with the runs of a store: names and tags them, puts them away, deletes them, takes it back. */
export class Shelf {
  /** Null while the server has not said it. */
  role: Role | null = null;
  baselines: Baseline[] = [];
  deed: Deed | null = null;
  failure: string | null = null;
  busy = false;
  #turn = 0;

  constructor(private readonly base: string, private readonly changed: () => void) {}

  async open(): Promise<void> {
    const [access, known] = await Promise.allSettled([
      getJson<{ role: Role }>(`${this.base}api/access`), getJson<{ baselines: Baseline[] }>(`${this.base}api/baselines`),
    ]);
    if (access.status === "fulfilled") this.role = access.value.role;
    if (known.status === "fulfilled") this.baselines = known.value.baselines;
    this.changed();
  }

  /** Why this viewer may not do what needs a role; null where they may. */
  barred(needed: Role): string | null {
    if (this.role === null) return "The server has not said yet what you may do here.";
    if (LADDER.indexOf(this.role) >= LADDER.indexOf(needed)) return null;
    return `You may ${this.role === "view" ? "look at these runs" : "steer and label these runs"}, not do this: ask whoever gave you the address for one with the role “${needed}”.`;
  }

  rename(row: RunRow, name: string): Promise<void> {
    const before = row.name;
    return this.#do(`Renamed to ${name || "its own name"}.`, () => this.#label(row.run, { name: name || null }), () => this.#label(row.run, { name: before }));
  }

  retag(rows: readonly RunRow[], change: (tags: string[]) => string[], words: string): Promise<void> {
    const before = rows.map(({ run, tags }) => ({ run, tags }));
    return this.#do(
      words, () => each(before, ({ run, tags }) => this.#label(run, { tags: change(tags) })),
      () => each(before, ({ run, tags }) => this.#label(run, { tags })),
    );
  }

  archive(rows: readonly RunRow[], archived: boolean): Promise<void> {
    const words = `${countOf(rows)} ${archived ? "put away" : "brought back"}.`;
    const label = (held: boolean) => () => each(rows, ({ run }) => this.#label(run, { archived: held }));
    return this.#do(words, label(archived), label(!archived));
  }

  delete(rows: readonly RunRow[]): Promise<void> {
    const gone: string[] = [];
    return this.#do(
      `${countOf(rows)} deleted. What is deleted can be brought back for 30 days.`,
      () => each(rows, async ({ run }) => {
        await getJson(this.#run(run), { method: "DELETE" });
        gone.push(run);
      }),
      () => each(gone, (run) => getJson(`${this.base}api/trash/${encodeURIComponent(run)}`, { method: "POST" })),
    );
  }

  /** Make a baseline of what a run has reached, and tell its name. */
  async baseline(name: string, row: RunRow): Promise<boolean> {
    const forget = () => getJson(`${this.base}api/baselines/${encodeURIComponent(name)}`, { method: "DELETE" }).then(() => this.open());
    await this.#do(`What ${row.name} has reached is the baseline ${name}.`, async () => {
      await getJson(`${this.base}api/baselines`, { method: "POST", body: { name, run: row.run } });
      await this.open();
    }, forget);
    return this.failure === null;
  }

  forget(): void {
    this.deed = null;
    this.failure = null;
    this.changed();
  }

  async #do(words: string, work: () => Promise<unknown>, undo: () => Promise<unknown>): Promise<void> {
    const isLast = this.#begin();
    this.deed = null;
    this.failure = null;
    this.changed();
    const deed = { words, undo: () => this.#undo(undo) };
    try {
      await work();
      if (isLast()) this.deed = deed;
    } catch (error) {
      this.failure = wordsOf(error);
      // Some of it may have been done: that can be taken back all the same.
      if (error instanceof Partly && isLast()) this.deed = { ...deed, words: "" };
    }
    this.#end(isLast);
  }

  async #undo(undo: () => Promise<unknown>): Promise<void> {
    const isLast = this.#begin();
    this.changed();
    try {
      await undo();
      if (isLast()) [this.deed, this.failure] = [{ words: "Taken back.", undo: null }, null];
    } catch (error) {
      this.failure = wordsOf(error);
    }
    this.#end(isLast);
  }

  /** Return whether nothing was begun since: what can be taken back is what was done last. */
  #begin(): () => boolean {
    const turn = ++this.#turn;
    this.busy = true;
    return () => turn === this.#turn;
  }

  #end(isLast: () => boolean): void {
    if (isLast()) this.busy = false;
    this.changed();
  }

  #label(run: string, label: Label): Promise<unknown> {
    return getJson(this.#run(run), { method: "PATCH", body: label });
  }

  #run(run: string): string {
    return `${this.base}api/runs/${encodeURIComponent(run)}`;
  }
}

/** Some of several was done when another one failed. */
class Partly extends Error {}

/** Do something for each, one after the other; all are tried, and what failed is told at the end. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const failed: unknown[] = [];
  for (const item of items) await work(item).catch((error: unknown) => failed.push(error));
  if (failed.length === items.length && failed.length > 0) throw failed[0];
  if (failed.length > 0) throw new Partly(`${failed.length} of ${items.length} failed: ${wordsOf(failed[0])}`);
}

function countOf(rows: readonly RunRow[]): string {
  return rows.length === 1 ? (rows[0] as RunRow).name : `${rows.length} runs`;
}

function wordsOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.title}: ${error.detail}`;
  return error instanceof Error ? error.message : String(error);
}
