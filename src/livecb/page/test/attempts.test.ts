import { expect, test } from "vitest";
import { attemptsOf, isAbandoned, type Told } from "../src/data/attempts";

const FIRST = {
  attempt: 1, status: "stopped", started: 1000, ended: 1240, reason: "too slow", by: "ada", resumed_step: null, changed: {},
};
const SECOND = {
  attempt: 2, status: "running", started: 2000, ended: null, reason: null, by: null, resumed_step: 1900,
  changed: { lr: [0.1, 0.01], "model.width": [null, 8] },
};

test("attempts are told the latest first, with how they ended and what was set otherwise", () => {
  const told = attemptsOf([FIRST, SECOND], 2060);
  const [second, first] = told as [Told, Told];
  expect(first).toMatchObject({ attempt: 1, fate: "stopped by ada: too slow", changes: [] });
  expect(first.when).toMatch(/^\d\d:\d\d · for 4\u00a0min 00\u00a0s$|^\d{4}-/);
  expect(second.fate).toBe("running");
  expect(second.when).toContain("from step 1,900 · ");
  expect(second.when).toContain("for 1\u00a0min");
  expect(second.changes).toEqual(["lr 0.1 → 0.01", "model.width = 8"]);
});

test.each([
  ["said before the rewind beyond its step", 90, 1500, true],
  ["said before it, but kept", 90, 900, false],
  ["said after it", 110, 1500, false],
  ["said at no step", 90, null, false],
])("what was %s is told apart", (_, time, step, given) => {
  expect(isAbandoned({ time, step }, [{ attempt: 2, from_step: 2000, to_step: 1000, time: 100 }])).toBe(given);
});
