import { expect, test } from "vitest";
import { WHOLE_STEPS, axisNumber, axisTime, isWhole } from "../src/data/axis";

test("labels tell their value exactly", () => {
  expect(axisNumber([0, 2.5e-4, 5e-4, 7.5e-4, 1e-3])).toEqual(["0", "2.5e-4", "5.0e-4", "7.5e-4", "1.0e-3"]);
  expect(axisNumber([0, 0.25, 0.5])).toEqual(["0", "0.25", "0.50"]);
  expect(axisNumber([0, 500, 1000])).toEqual(["0", "500", "1,000"]);
  expect(axisNumber([-1, 0, 1])).toEqual(["\u22121", "0", "1"]);
});

test("a logarithmic axis leaves out what has no room", () => {
  expect([0.01, null, 0.3, 1, 10, 1e-3].flatMap((split) => axisNumber([split]))).toEqual(["0.01", "", "0.3", "1", "10", "1e-3"]);
});

test("time is told in the unit that fits", () => {
  expect([0, 45, 120, 90, 5400, 86_400, 97_200].map(axisTime)).toEqual(["0", "45 s", "2 min", "1:30 min", "1:30 h", "1 d", "1 d 3 h"]);
});

test("an axis of whole numbers is labelled at whole numbers", () => {
  expect([isWhole([1, 2, null], [undefined, 3]), isWhole([1, 2], [0.5]), isWhole()]).toEqual([true, false, true]);
  expect(WHOLE_STEPS.slice(0, 5)).toEqual([1, 2, 5, 10, 20]);
  expect(WHOLE_STEPS.every(Number.isInteger)).toBe(true);
});
