import { expect, test } from "vitest";
import type { Candidate } from "../client/api";
import { paramsIn, scoreIn } from "../src/data/space";

const row = (params: object, acc: unknown = 0): Candidate => ({ name: "m", ok: true, params, scores: { acc } }) as unknown as Candidate;

test("numbers stand by their size, words side by side, and what is the same for all is left out", () => {
  const rows = [row({ depth: 2, kind: "b", seed: 7 }), row({ depth: 4, kind: "a", seed: 7 }), row({ depth: 6, kind: "c" })];
  const [depth, kind, ...others] = paramsIn(rows);
  expect(others).toEqual([]);
  expect(rows.map((each) => depth?.at(each))).toEqual([0, 0.5, 1]);
  expect(depth?.ticks.map(({ label }) => label)).toEqual(["2", "4.00", "6"]);
  expect(rows.map((each) => kind?.at(each))).toEqual([0.5, 0, 1]);
  expect(depth?.at(row({}))).toBe(null);
});

test("what spans decades stands by its ratios", () => {
  const rows = [1e-5, 1e-3, 1e-1].map((lr) => row({ lr }));
  const [lr] = paramsIn(rows);
  expect(lr?.log).toBe(true);
  expect(lr?.at(rows[1] as Candidate)).toBeCloseTo(0.5);
});

test("too many words are no axis, nor is a score that is the same for all", () => {
  expect(paramsIn(Array.from({ length: 20 }, (_, i) => row({ path: `p${i}` })))).toEqual([]);
  expect(scoreIn([row({}, 1), row({}, 1)], "acc")).toBe(null);
  expect(scoreIn([row({}, 1), row({}, 2), row({}, "NaN")], "acc")?.at(row({}, 2))).toBe(1);
});
