import { expect, test } from "vitest";
import { within } from "../src/views/ink";

test("words above a line stay within the chart", () => {
  expect([0, 50, 99].map((x) => within(x, 20, 0, 100))).toEqual([20, 50, 80]);
  expect(within(5, 80, 0, 100)).toBe(80);
});
