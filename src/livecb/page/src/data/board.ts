import type { Candidate } from "../../client/api";
import { flatten, type Entry } from "./flatten";
import { toNumber, type Num } from "../../client/number";

/** How a leaderboard is laid out: what its candidates have in common decides. */
export interface Layout {
  /** Names of the scores; the first is the one they are ranked by. */
  scores: string[];
  /** Parameters with a column each. */
  columns: string[];
  /** Whether the parameters stand together in one column: candidates of different kinds share few. */
  together: boolean;
  /** Parameters that tell nothing: the same for all. */
  same: Entry[];
}

/** How loops name what they are at, beside their progress. */
export const CURRENT = ["current", "current_model", "model"];

/** Whether what is counted are candidates: the run is a search. */
export function countsCandidates(progress: { unit: string } | null): boolean {
  return progress !== null && /candidate|model|trial|fold/.test(progress.unit);
}

const MOST_SCORES = 6;
const MOST_COLUMNS = 6;

export function paramsOf(row: Candidate): Entry[] {
  return flatten((row.params ?? {}) as Record<string, unknown>);
}

export function layoutOf(rows: readonly Candidate[]): Layout {
  const scores = new Set<string>();
  const values = new Map<string, Map<string, number>>();
  for (const row of rows) {
    for (const name of Object.keys(row.scores ?? {})) scores.add(name);
    for (const { key, text } of paramsOf(row)) {
      const held = values.get(key) ?? new Map<string, number>();
      values.set(key, held.set(text, (held.get(text) ?? 0) + 1));
    }
  }
  const same: Entry[] = [];
  const telling: string[] = [];
  for (const [key, held] of values) {
    const [[text, times]] = held as unknown as [[string, number]];
    if (rows.length > 1 && held.size === 1 && times === rows.length) same.push({ key, text });
    else telling.push(key);
  }
  const rare = telling.some((key) => 2 * sum([...(values.get(key)?.values() ?? [])]) < rows.length);
  const together = telling.length > MOST_COLUMNS || (rare && telling.length > 1);
  return { scores: [...scores].slice(0, MOST_SCORES), columns: together ? [] : telling, together, same };
}

/** Whether what is the same for some candidates is so for others too; those that tell no parameters contradict nothing. */
export function isSame(same: readonly Entry[], others: readonly Candidate[]): boolean {
  const told = others.map((row) => new Map(paramsOf(row).map(({ key, text }) => [key, text]))).filter((params) => params.size > 0);
  return told.every((params) => same.every(({ key, text }) => params.get(key) === text));
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** A parameter as it is told in a table: numbers with the digits that matter. */
export function brief(text: string): string {
  return /^-?\d+\.\d{5,}(e-?\d+)?$/.test(text) ? String(Number(Number(text).toPrecision(4))) : text;
}

/** How a candidate was left out on purpose, which is no failure: `pruned`, `skipped`, `dropped`; null where it was not. */
export function outcomeOf(row: Candidate): string | null {
  if (row.ok) return null;
  return row.outcome ?? /^(pruned|skipped)\b/i.exec(row.reason ?? "")?.[1]?.toLowerCase() ?? null;
}

/** Why it has no score, in a few words. */
export function reasonOf(row: Candidate): string {
  return row.reason ?? [outcomeOf(row) ?? "failed", row.by && `by ${row.by}`].filter(Boolean).join(" ");
}

/** What of a candidate's parameters is worth a look where they stand in one column. */
export function togetherWords(row: Candidate, same: readonly Entry[]): string {
  const dull = new Set(same.map(({ key }) => key));
  return paramsOf(row).filter(({ key }) => !dull.has(key)).map(({ key, text }) => `${key} ${brief(text)}`).join(" · ");
}

/** The scores of which all known ones are counts: `1` beside `0.9680` stands for `1.0000`. */
export function countsOf(rows: readonly { scores?: Record<string, Num> }[]): Set<string> {
  const counts = new Set<string>();
  const others = new Set<string>();
  for (const row of rows) {
    for (const [name, held] of Object.entries(row.scores ?? {})) {
      const score = toNumber(held);
      (Number.isInteger(score) || !Number.isFinite(score) ? counts : others).add(name);
    }
  }
  for (const name of others) counts.delete(name);
  return counts;
}

/** The features that matter most to a candidate, each with its part of the largest one's importance. */
export function importancesOf(row: Candidate, most: number): { name: string; importance: number; part: number }[] {
  const known = Object.entries(row.importances ?? {}).map(([name, held]) => ({ name, importance: toNumber(held as Num) }));
  const finite = known.filter(({ importance }) => Number.isFinite(importance));
  finite.sort((a, b) => Math.abs(b.importance) - Math.abs(a.importance));
  const largest = Math.abs(finite[0]?.importance ?? 0) || 1;
  return finite.slice(0, most).map((one) => ({ ...one, part: Math.abs(one.importance) / largest }));
}

/** How long a row is shown as new. */
const NEW_MS = 4_000;

/** Knows which rows came or changed lately. */
export class BoardNews {
  #seen: Map<string, { mark: string; since: number }> | null = null;

  /** Take note of the rows there are. The first ones are history, not news. */
  see(rows: readonly Candidate[], now = performance.now()): void {
    const before = this.#seen;
    this.#seen = new Map();
    for (const row of rows) {
      const known = before?.get(keyOf(row));
      const mark = `${row.rank ?? 0}:${row.seq}:${row.time}`;
      const since = !before ? -Infinity : known?.mark === mark ? known.since : now;
      this.#seen.set(keyOf(row), { mark, since });
    }
  }

  isNew(row: Candidate, now = performance.now()): boolean {
    return now - (this.#seen?.get(keyOf(row))?.since ?? -Infinity) < NEW_MS;
  }
}

/** What a candidate is known by, as the server knows it. */
export function keyOf(row: Candidate): string {
  return row.folds ? row.name : `${row.name} ${JSON.stringify(row.params ?? {})}`;
}

/** How much of a candidate is done, where that is not all of it, and in which round. */
export function stageWords(row: Candidate): string {
  const round = row.rung == null ? "" : `round ${row.rung + 1}`;
  const folds = row.folds && row.folds_done != null && row.folds_done < row.folds ? `${row.folds_done} of ${row.folds} folds` : "";
  return [round, folds].filter(Boolean).join(" · ");
}
