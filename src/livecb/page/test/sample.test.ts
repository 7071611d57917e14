import { expect, test } from "vitest";
import { epochOf, words } from "../src/data/sample";
import { sharesOf } from "../src/views/shares";

test.each([
  ["as it stands\nin lines", "as it stands\nin lines"],
  [null, ""],
  [undefined, ""],
  [0.5, "0.5"],
  [true, "True"],
  [[1, 2], "[1, 2]"],
  [[{ role: "user", content: "Why?" }, { role: "assistant", content: "Because." }], "user: Why?\nassistant: Because."],
  [{ question: "Why?", chosen: ["a", "b"] }, "question: Why?\nchosen: [a, b]"],
  [{ $float: "NaN" }, "NaN"],
])("%j is written for people", (held, written) => {
  expect(words(held)).toBe(written);
});

test.each([[0, 0], [0.01, 1], [1, 1], [1.0000000001, 1], [1.5, 2], [null, null], [undefined, null]])(
  "where %s epochs are done, epoch %s is under way or just done", (done, epoch) => {
    expect(epochOf(done)).toBe(epoch);
  },
);

test("counters by kind are told apart, the most frequent first", () => {
  expect(sharesOf({ failed: 3, "best/a": 1, "best/b": 4, "kind/x/y": 2 })).toEqual([
    ["best", [["b", 4], ["a", 1]]], ["kind", [["x/y", 2]]],
  ]);
});
