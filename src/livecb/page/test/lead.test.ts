import { expect, test } from "vitest";
import type { State } from "../client/api";
import { leadOf, tabsOf } from "../src/views/run-view";

function state(charts: number, candidates: number, counts: Record<string, number> = {}): State {
  const metrics = Object.fromEntries(Array.from({ length: charts }, (_, i) => [`m${i}`, { chart: `c${i}` }]));
  return { metrics, leaderboard: Array(candidates).fill({}), counts: { model_completed: candidates, ...counts } } as unknown as State;
}

test.each([
  [0, 0, {}, "Curves"],
  [0, 1, {}, "Leaderboard"],
  [2, 1, {}, "Curves"],
  [2, 2, { sample: 1 }, "Leaderboard"],
  [3, 9, {}, "Curves"],
  [0, 0, { image: 1, sample: 1 }, "Images"],
  [0, 0, { sample: 1 }, "Samples"],
  [1, 0, { sample: 1 }, "Curves"],
])("of %i charts, %i candidates and %j, what tells most leads: %s", (charts, candidates, counts, lead) => {
  expect(leadOf(state(charts, candidates, counts))).toBe(lead);
});

test("the leaderboard of a search leads beside any curves", () => {
  expect(leadOf({ ...state(9, 1), progress: { unit: "fold" } } as State)).toBe("Leaderboard");
  expect(leadOf({ ...state(9, 1), progress: { unit: "step" } } as State)).toBe("Curves");
});

test("there is a view of what there is, and of nothing else", () => {
  expect(tabsOf(null)).toEqual(["Curves", "Log", "Values", "Config"]);
  expect(tabsOf(state(1, 1, { figure: 2, sample: 1 }))).toEqual(
    ["Curves", "Leaderboard", "Images", "Samples", "Log", "Values", "Config"],
  );
});
