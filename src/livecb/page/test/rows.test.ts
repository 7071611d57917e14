import { expect, test } from "vitest";
import type { Candidate, LeaderboardPage } from "../client/api";
import { Rows } from "../src/data/rows";

const row = (number: number, place: number | null, acc = 0): Candidate =>
  ({ type: "model_completed", seq: number, time: number, name: `m${number}`, ok: true, number, place, scores: { acc } }) as Candidate;

const page = (mark: string, leaderboard: Candidate[], more: Partial<LeaderboardPage> = {}): LeaderboardPage =>
  ({ cursor: "1", count: 3, mark, leaderboard, ...more });

test("what changed is put among what is known, in the order of now", () => {
  const rows = new Rows();
  expect(rows.take(page("a.2", [row(1, 1), row(0, 2)]))).toBe(true);
  expect(rows.take(page("a.4", [row(2, 2), row(0, 1, 0.9)], { order: [0, 2, 1], places: [1, 2, 3] }))).toBe(true);
  expect(rows.all?.map(({ name, place }) => [name, place])).toEqual([["m0", 1], ["m2", 2], ["m1", 3]]);
  expect(rows.all?.[0]?.scores).toEqual({ acc: 0.9 });
  expect([rows.mark, rows.count]).toEqual(["a.4", 3]);
});

test("a row that stays where it was is the same object, so that nothing is drawn anew", () => {
  const rows = new Rows();
  rows.take(page("a.2", [row(1, 1), row(0, 2)]));
  const before = rows.all?.[0];
  rows.take(page("a.3", [row(2, 3)], { order: [1, 0, 2], places: [1, 2, 3] }));
  expect(rows.all?.[0]).toBe(before);
});

test("an order of rows that were never told is refused, and all are asked for anew", () => {
  const rows = new Rows();
  rows.take(page("a.1", [row(0, 1)]));
  expect(rows.take(page("a.3", [], { order: [0, 7], places: [1, 2] }))).toBe(false);
  expect(rows.mark).toBe("");
  expect(rows.all?.length).toBe(1);
});
