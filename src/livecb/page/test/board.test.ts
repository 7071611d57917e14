import { expect, test } from "vitest";
import type { Candidate } from "../client/api";
import { BoardNews, brief, countsOf, importancesOf, isSame, keyOf, layoutOf, outcomeOf, reasonOf, stageWords, togetherWords } from "../src/data/board";

function row(name: string, params: object, more: Partial<Candidate> = {}): Candidate {
  return { type: "model_completed", seq: 1, time: 1, name, ok: true, params, scores: { acc: 0.5 }, place: 1, ...more } as Candidate;
}

test("parameters that differ have a column each, and those that do not are told once", () => {
  const layout = layoutOf([row("a", { svc: { C: 1 }, cv: 5 }), row("b", { svc: { C: 2 }, cv: 5 })]);
  expect(layout).toEqual({ scores: ["acc"], columns: ["svc.C"], together: false, same: [{ key: "cv", text: "5" }] });
});

test("parameters of candidates of different kinds stand together", () => {
  const many = (prefix: string): object => Object.fromEntries([..."abcd"].map((name) => [prefix + name, 1]));
  const rows = [row("a", { ...many("x"), seed: 7 }), row("b", { ...many("y"), seed: 7 })];
  const layout = layoutOf(rows);
  expect(layout.together).toBe(true);
  expect(layout.columns).toEqual([]);
  expect(togetherWords(rows[0]!, layout.same)).toBe("xa 1 · xb 1 · xc 1 · xd 1");
});

test("parameters that most candidates have not stand together", () => {
  expect(layoutOf([row("a", { depth: 3 }), row("b", { C: 1 }), row("c", { C: 2 })]).together).toBe(true);
});

test("what those without a score were tried with may differ", () => {
  const { same } = layoutOf([row("a", { C: 1, penalty: "l1" }), row("b", { C: 2, penalty: "l1" })]);
  expect(same).toEqual([{ key: "penalty", text: "l1" }]);
  expect(isSame(same, [row("c", { C: 9, penalty: "l1" }, { ok: false }), row("d", {}, { ok: false })])).toBe(true);
  expect(isSame(same, [row("c", { C: 9, penalty: "l3" }, { ok: false })])).toBe(false);
  expect(isSame(same, [row("c", { C: 9 }, { ok: false })])).toBe(false);
});

test("numbers are told with the digits that matter", () => {
  expect(["0.025725175998109518", "1.23456789e-7", "0.001", "2024.5", "gini"].map(brief)).toEqual(
    ["0.02573", "1.235e-7", "0.001", "2024.5", "gini"],
  );
});

test("what was given up on purpose did not fail", () => {
  expect(outcomeOf(row("a", {}, { ok: false, reason: "pruned at step 3" }))).toBe("pruned");
  expect(outcomeOf(row("a", {}, { ok: false, reason: "ValueError: pruned" }))).toBe(null);
  const dropped = row("a", {}, { ok: false, outcome: "dropped", by: "ada" });
  expect([outcomeOf(dropped), reasonOf(dropped)]).toEqual(["dropped", "dropped by ada"]);
  expect(reasonOf(row("a", {}, { ok: false }))).toBe("failed");
});

test("one candidate hides nothing", () => {
  expect(layoutOf([row("a", { cv: 5 })]).columns).toEqual(["cv"]);
});

test("what was there at first is no news; what comes or changes is, for a while", () => {
  const news = new BoardNews();
  const [a, b] = [row("a", {}), row("b", {})];
  news.see([a], 0);
  expect(news.isNew(a, 0)).toBe(false);
  news.see([b, a], 100);
  expect([news.isNew(a, 200), news.isNew(b, 200), news.isNew(b, 9_000)]).toEqual([false, true, false]);
  news.see([b, a], 300);
  expect(news.isNew(a, 300)).toBe(false);
  news.see([{ ...a, seq: 2 }, b], 10_000);
  expect([news.isNew(a, 10_000), news.isNew(b, 10_000)]).toEqual([true, false]);
});

test("a candidate told of by folds is one row, whichever fold was last", () => {
  expect(keyOf(row("a", { C: 1 }, { folds: 5, seq: 1 }))).toBe(keyOf(row("a", {}, { folds: 5, seq: 9 })));
  expect(keyOf(row("a", { C: 1 }))).not.toBe(keyOf(row("a", { C: 2 })));
});

test("a row says which round it is in and how many of its folds are done", () => {
  expect(stageWords(row("a", {}, { rung: 1, folds: 5, folds_done: 3 }))).toBe("round 2 · 3 of 5 folds");
  expect(stageWords(row("a", {}, { folds: 5, folds_done: 5 }))).toBe("");
});

test("a score is a count only where all of them are", () => {
  const rows = [row("a", {}, { scores: { acc: 1, wins: 3, f1: "NaN" } }), row("b", {}, { scores: { acc: 0.5, wins: 4 } })];
  expect([...countsOf(rows)].sort()).toEqual(["f1", "wins"]);
});

test("the features that matter most come first, whichever way they pull", () => {
  const importances = { a: 0.1, b: -0.4, c: 0.2, d: "NaN" as const };
  expect(importancesOf(row("x", {}, { importances }), 2)).toEqual([
    { name: "b", importance: -0.4, part: 1 }, { name: "c", importance: 0.2, part: 0.5 },
  ]);
});
