import { expect, test } from "vitest";
import { dotsOf } from "../src/data/dots";

test("a point that is alone between gaps is a ring, since it is no line", () => {
  expect(dotsOf([1, null, 2, 3, null, undefined, 4, undefined, null], false)).toEqual([0, 6]);
  expect(dotsOf([undefined, 5, undefined], false)).toEqual([1]);
  expect(dotsOf([1, 2, null], false)).toEqual([]);
});

test("where rings are wanted each point is one, as long as they have room", () => {
  expect(dotsOf([1, undefined, null, 2], true)).toEqual([0, 3]);
  expect(dotsOf(new Array<number>(80).fill(1), true)).toHaveLength(80);
  expect(dotsOf(new Array<number>(81).fill(1), true)).toEqual([]);
});
