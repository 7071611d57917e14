import { expect, test } from "vitest";
import type { Candidate } from "../client/api";
import { found, sorted, turned } from "../src/data/order";

const row = (name: string, fields: object = {}): Candidate => ({ name, ok: true, scores: {}, params: {}, ...fields }) as Candidate;
const rows = [
  row("trial 10", { scores: { acc: 0.5 }, params: { svc: { C: 10 } }, fit_seconds: 3 }),
  row("trial 9", { scores: { acc: "NaN" }, params: { svc: { C: 2 } } }),
  row("trial 1", { scores: { acc: 0.9 }, params: { svc: { C: "auto" } }, fit_seconds: 1 }),
];
const names = (some: readonly Candidate[]): string[] => some.map(({ name }) => name.slice(6));

test.each([
  ["score:acc", true, ["1", "10", "9"]],
  ["score:acc", false, ["10", "1", "9"]],
  ["param:svc.C", false, ["9", "10", "1"]],
  ["fit", false, ["1", "10", "9"]],
  ["name", false, ["1", "9", "10"]],
])("sorted by %s, down: %s, and what is not known stands last", (column, down, expected) => {
  expect(names(sorted(rows, { column, down }))).toEqual(expected);
});

test("without an order the places hold", () => expect(sorted(rows, null)).toBe(rows));

test("a score is turned to its best first, then round, then back to the places", () => {
  const best = turned(null, "score:acc");
  expect(best).toEqual({ column: "score:acc", down: true });
  expect(turned(best, "score:acc")).toEqual({ column: "score:acc", down: false });
  expect(turned(turned(best, "score:acc"), "score:acc")).toBe(null);
  expect(turned(best, "fit")).toEqual({ column: "fit", down: false });
});

test("a candidate is found by name, by a parameter and by why it failed", () => {
  const failed = row("late", { ok: false, reason: "ValueError: Input X contains NaN." });
  expect(names(found(rows, "svc.c=10"))).toEqual(["10"]);
  expect(names(found(rows, "TRIAL auto"))).toEqual(["1"]);
  expect(found([...rows, failed], "valueerror failed")).toEqual([failed]);
  expect(found(rows, "  ")).toBe(rows);
});
