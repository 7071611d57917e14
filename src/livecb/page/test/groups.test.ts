import { expect, test } from "vitest";
import type { ChartSpec } from "../src/data/charts";
import { PINNED, groupsOf, isOpen } from "../src/data/groups";

const chart = (title: string): ChartSpec => ({ title, lines: [] });
const MANY = ["loss", "layer10/norm", "layer10/mean", "layer2/norm", "layer2/mean", ...Array.from({ length: 50 }, (_, i) => `z/${i}`)].map(chart);

test("few charts stand together, the pinned ones first", () => {
  const [a, b, c] = ["a/x", "a/y", "b"].map(chart) as [ChartSpec, ChartSpec, ChartSpec];
  expect(groupsOf([a, b, c])).toEqual([{ name: "", charts: [a, b, c] }]);
  expect(groupsOf([a, b, c], ["b", "gone"])).toEqual([{ name: PINNED, charts: [c] }, { name: "", charts: [a, b] }]);
  expect(groupsOf([])).toEqual([]);
});

test("many charts stand by how their titles begin, in the order of numbers", () => {
  expect(groupsOf(MANY).map(({ name, charts }) => [name, charts.length])).toEqual([["", 1], ["layer2", 2], ["layer10", 2], ["z", 50]]);
});

test("of many charts only the first group is open, unless the viewer turned that round", () => {
  const groups = groupsOf(MANY, ["z/3"]);
  const open = (folds: string[]): string[] => groups.filter((group) => isOpen(groups, group, folds)).map(({ name }) => name);
  expect(open([])).toEqual([PINNED, ""]);
  expect(open(["z", ""])).toEqual([PINNED, "z"]);
});
