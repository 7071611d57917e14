import { expect, test } from "vitest";
import { diff } from "../src/data/diff";

const told = (before: string, after: string): string =>
  diff(before, after).map(({ kind, text }) => (kind === "same" ? text : kind === "new" ? `+${text}+` : `-${text}-`)).join("");

test.each([
  ["good night", "good day", "good -night-+day+"],
  ["a c", "a b c", "a +b +c"],
  ["", "new", "+new+"],
  ["gone", "", "-gone-"],
  ["same here", "same here", "same here"],
  ["Äpfel, 3", "Äpfel, 4", "Äpfel, -3-+4+"],
])("from %j to %j", (before, after, expected) => expect(told(before, after)).toBe(expected));

test("whatever changed, both texts can be read off it", () => {
  const [before, after] = ["one two  three\nfour five. six", "two three four, six seven"];
  const pieces = diff(before, after);
  const of = (without: string): string => pieces.filter(({ kind }) => kind !== without).map(({ text }) => text).join("");
  expect([of("new").replace(/\s+/g, ""), of("old")]).toEqual([before.replace(/\s+/g, ""), after]);
});

test("texts too long to compare are told as a whole", () => {
  const long = (word: string): string => Array.from({ length: 2_000 }, (_, i) => `${word}${i}`).join(" ");
  expect(diff(long("a"), long("b")).map(({ kind }) => kind)).toEqual(["old", "new"]);
});
