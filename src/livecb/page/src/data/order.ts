import type { Candidate } from "../../client/api";
import { toNumber } from "../../client/number";
import { outcomeOf, paramsOf, reasonOf } from "./board";

/** By what a leaderboard is sorted: null is the order of the places. */
export interface Order {
  column: string;
  down: boolean;
}

/** A column is known by its kind and its name: `score:acc`, `param:svc.C`, `name`, `fit`. */
export function columnOf(kind: "score" | "param", name: string): string {
  return `${kind}:${name}`;
}

/** The next order when a column's head is pressed: the likelier direction first, then the other, then the places again. */
export function turned(order: Order | null, column: string): Order | null {
  const first = column.startsWith("score:");
  if (order?.column !== column) return { column, down: first };
  return order.down === first ? { column, down: !first } : null;
}

/** Rows in an order; what a row does not tell stands last, whichever way. */
export function sorted(rows: readonly Candidate[], order: Order | null): readonly Candidate[] {
  if (!order) return rows;
  const known = rows.map((row) => ({ row, key: keyIn(row, order.column) }));
  const told = known.filter(({ key }) => key !== null);
  const others = known.filter(({ key }) => key === null);
  told.sort((a, b) => compare(a.key as string | number, b.key as string | number) * (order.down ? -1 : 1));
  return [...told, ...others].map(({ row }) => row);
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function keyIn(row: Candidate, column: string): string | number | null {
  if (column === "name") return row.name;
  if (column === "fit") return row.fit_seconds ?? null;
  const [kind, name] = [column.slice(0, 5), column.slice(6)];
  if (kind === "score") {
    const score = toNumber(row.scores?.[name] ?? null);
    return Number.isNaN(score) ? null : score;
  }
  const held = paramsOf(row).find(({ key }) => key === name)?.text;
  if (held === undefined) return null;
  return held.trim() !== "" && Number.isFinite(Number(held)) ? Number(held) : held;
}

/** Rows that hold all the words: in name, parameters, or why there is no score. */
export function found(rows: readonly Candidate[], search: string): readonly Candidate[] {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return rows;
  return rows.filter((row) => {
    const params = paramsOf(row).map(({ key, text }) => `${key}=${text} ${key} ${text}`);
    const held = [row.name, ...params, row.ok ? "" : `${outcomeOf(row) ?? "failed"} ${reasonOf(row)}`].join(" ").toLowerCase();
    return wanted.every((word) => held.includes(word));
  });
}
