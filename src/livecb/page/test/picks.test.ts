import { expect, test } from "vitest";
import type { RunRow } from "../client/api";
import { baselineName, bestPlace, deltaOf, inkOf, MOST_COMPARED, settingsOf } from "../src/data/against";
import { NOTHING, columnsOf, isMeant, picksOf, queryOf, sorted } from "../src/data/picks";

function row(run: string, more: Partial<RunRow> = {}): RunRow {
  return {
    run, name: run, project: null, framework: null, tags: [], archived: false, status: "completed", phase: null, started: 0,
    attempt_started: 0, updated: 0, ended: 9, elapsed: 9, attempt: 1, progress: null, metrics: {}, spark: null, ...more,
  } as RunRow;
}

const told = (value: number, best: number | null, goal: "min" | "max" | null): RunRow["metrics"][string] => ({ value, step: 1, best, goal });

test("what is chosen stands in the address, and nothing where nothing is", () => {
  const picks = { ...NOTHING, words: "a b", status: "bad" as const, tag: "x,y", sort: "val/loss", selected: ["A", "B"], baseline: "best", compare: true,
    axis: "epoch" as const, log: true, smoothing: 0.35 };
  expect(picksOf(queryOf(picks))).toEqual(picks);
  expect(queryOf(picks)).toContain("runs=A,B");
  expect(queryOf(NOTHING)).toBe("");
  expect(picksOf("?status=nonsense").status).toBe("");
  expect(picksOf("?x=furlongs&smooth=2&log=z")).toEqual(NOTHING);
});

test("runs are found by words, status, project and tag, and those that were put away apart", () => {
  const rows = [
    row("A", { tags: ["good"], project: "digits" }), row("B", { status: "crashed", ended: null }), row("C", { status: "running", ended: null }),
    row("D", { archived: true }),
  ];
  const found = (picks: Partial<typeof NOTHING>): string[] => rows.filter((one) => isMeant(one, { ...NOTHING, ...picks })).map(({ run }) => run);
  expect(found({})).toEqual(["A", "B", "C"]);
  expect(found({ words: "GOOD digits" })).toEqual(["A"]);
  expect(found({ status: "active" })).toEqual(["C"]);
  expect(found({ status: "over" })).toEqual(["A", "B"]);
  expect(found({ status: "bad" })).toEqual(["B"]);
  expect(found({ tag: "good", project: "cifar" })).toEqual([]);
  expect(found({ archived: true })).toEqual(["D"]);
});

test("a column is sorted by the best value, and what has none stands last both ways", () => {
  const rows = [
    row("A", { metrics: { loss: told(3, 1, "min") } }), row("B", { started: 5 }), row("C", { metrics: { loss: told(2, 2, "min") } }),
    row("D", { metrics: { loss: { value: "NaN", step: 1, best: null, goal: "min" } }, started: 4 }),
  ];
  const order = (sort: string): string => sorted(rows, sort).map(({ run }) => run).join("");
  expect([order("loss"), order("-loss"), order("-started")]).toEqual(["ACBD", "CABD", "BDCA"]);
});

test("a column that is called as something JavaScript has is one like any other", () => {
  const rows = [row("A"), row("B", { started: 5 })];
  for (const sort of ["__proto__", "constructor", "-toString"]) expect(sorted(rows, sort).map(({ run }) => run)).toEqual(["B", "A"]);
});

test("a run that an address names twice is chosen once", () => {
  expect(picksOf("?runs=A,B,A,").selected).toEqual(["A", "B"]);
});

test("columns are the metrics that most runs have, the most telling ones first", () => {
  const rows = [row("A", { metrics: { "val/loss": told(1, 1, "min"), lr: told(1, null, null) } }), row("B", { metrics: { "val/loss": told(1, 1, "min"), odd: told(1, null, null) } })];
  expect(columnsOf(rows, 2)).toEqual(["val/loss", "lr"]);
});

test("better and worse are by each metric's direction, and nothing is said where that is unknown", () => {
  expect(deltaOf(told(9, 1, "min"), told(9, 2, "min"))).toEqual({ difference: -1, verdict: "better" });
  expect(deltaOf(told(9, 1, "max"), told(9, 2, "max"))?.verdict).toBe("worse");
  expect(deltaOf(told(3, null, null), told(1, null, null))).toEqual({ difference: 2, verdict: null });
  expect(deltaOf(told(1, null, "min"), told(1, 1, "min"))).toBe(null);
  expect(deltaOf(undefined, told(1, 1, "min"))).toBe(null);
  expect(bestPlace([told(1, 3, "max"), undefined, told(1, 5, "max"), told(1, 4, "max")])).toBe(2);
  expect(bestPlace([told(1, null, null)])).toBe(-1);
});

test("settings stand side by side, and what differs is known, also where one run does not say it", () => {
  const settings = settingsOf([{ lr: 0.1, model: { hidden: [64] } }, { lr: 0.1, seed: 7, model: { hidden: [64] } }]);
  expect(settings.map(({ key, held, differs }) => [key, held, differs])).toEqual([
    ["lr", ["0.1", "0.1"], false], ["model.hidden", ["[64]", "[64]"], false], ["seed", [null, "7"], true],
  ]);
});

test("no two of twenty-eight lines look alike", () => {
  expect(new Set(Array.from({ length: MOST_COMPARED }, (_, i) => JSON.stringify(inkOf(i)))).size).toBe(MOST_COMPARED);
  expect(MOST_COMPARED).toBeGreaterThanOrEqual(50);
});

test("a baseline's name is made of letters that it may have", () => {
  expect(baselineName("mlp lr=0.1/ä", "quiet-otter")).toBe("mlp-lr-0.1-a-quiet-otter");
  expect(baselineName("quiet-otter", "quiet-otter")).toBe("quiet-otter");
  expect(baselineName("日本", "日本")).toBe("baseline");
});
