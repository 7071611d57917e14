import { expect, test } from "vitest";
import { heatOf } from "../src/data/heat";

test("histograms with edges of their own come onto the same bins", () => {
  const heat = heatOf([{ counts: [4], edges: [0, 2] }, { counts: [1, 3], edges: [2, 3, 4] }], 4);
  expect([heat?.low, heat?.high]).toEqual([0, 4]);
  expect(heat?.columns.map((column) => [...column])).toEqual([[1, 1, 0, 0], [0, 0, 1 / 3, 1]]);
});

test("all values alike fill one bin, and edges that are not finite hold nothing", () => {
  const heat = heatOf([{ counts: [5, 9], edges: [1, 1, "Infinity"] }, { counts: [2], edges: [0, 2] }], 2);
  expect(heat?.columns.map((column) => [...column])).toEqual([[0, 1], [1, 1]]);
  expect(heatOf([{ counts: [1], edges: ["NaN", "NaN"] }], 2)).toBe(null);
});
