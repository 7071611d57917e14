import { expect, test } from "vitest";
import { Backoff } from "../client/backoff";

test("waits double from a quarter of a second to five seconds", () => {
  const backoff = new Backoff(() => 1);
  expect(Array.from({ length: 7 }, () => backoff.next())).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});

test("jitter halves a wait at most, and the server's own wish is kept", () => {
  expect(new Backoff(() => 0).next()).toBe(125);
  expect(new Backoff(() => 0).next(1000)).toBe(1000);
});
