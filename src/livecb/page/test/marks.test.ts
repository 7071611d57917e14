import { expect, test } from "vitest";
import { Locator } from "../src/data/locate";
import { Marks, clusters, folded, type Mark, type MarkEvent } from "../src/data/marks";
import { Series } from "../src/data/series";

const checkpoint = (time: number, more = {}): MarkEvent => ({ type: "checkpoint", seq: time, time, path: `a/b/${time}.pt`, ...more });
const note = (time: number, more = {}): MarkEvent => ({ type: "note", seq: -1, time, text: "why", ...more });

function marksOf(...events: MarkEvent[]): Marks {
  const marks = new Marks();
  marks.load({ cursor: "0", counts: {}, left_out: 0, marks: events });
  return marks;
}

test("history and stream join without doubles, by when it happened", () => {
  const marks = marksOf(checkpoint(1), checkpoint(3));
  expect(marks.add(checkpoint(3))).toBe(false);
  expect(marks.add(note(2))).toBe(true);
  expect(marks.add({ type: "metrics" })).toBe(false);
  expect(marks.all.map(({ event }) => event.time)).toEqual([1, 2, 3]);
});

test("two notes of readers at once are two", () => {
  expect(marksOf(note(1, { text: "a" }), note(1, { text: "b" }), note(1, { text: "a" })).all.length).toBe(2);
});

test("a command that has no answer yet is no mark", () => {
  const marks = marksOf();
  const asked = { type: "command", seq: 1, time: 1, name: "save", phase: "asked", by: "ada" } as const;
  expect(marks.add(asked)).toBe(false);
  expect(marks.add({ ...asked, seq: 2, phase: "refused", reason: "full" } as MarkEvent)).toBe(true);
  expect(marks.all[0]).toMatchObject({ kind: "refused", title: "save now refused", text: "full", who: "ada" });
});

test("a note that is said anew stands in its own place, and one taken back is gone", () => {
  const marks = marksOf(note(1, { id: "a", text: "to low" }), checkpoint(2));
  expect(marks.add(note(1, { id: "a", text: "too low", edited: 3 }))).toBe(true);
  expect(marks.all.map(({ title }) => title)).toEqual(["too low", "2.pt"]);
  expect(marks.add(note(1, { id: "a", text: "", edited: 4, deleted: true }))).toBe(true);
  expect(marks.all.map(({ title }) => title)).toEqual(["2.pt"]);
  expect(marks.add(note(1, { id: "a", text: "", edited: 4, deleted: true }))).toBe(false);
});

test("a flood pushes out the oldest of its own kind, and is counted", () => {
  const marks = marksOf(note(0));
  for (let time = 1; time <= 300; time++) marks.add(checkpoint(time));
  expect(marks.all.length + marks.leftOut).toBe(301);
  expect(marks.all[0]?.kind).toBe("note");
  expect(marks.all[1]?.event.time).toBe(51);
});

test("what stands dense is one, and looks like the gravest of it", () => {
  const marks = marksOf(checkpoint(1), note(2), { type: "alert", seq: 3, time: 3, title: "NaN", level: "ERROR" }).all as [Mark, Mark, Mark];
  const found = clusters([[marks[2], 104], [marks[1], 100], [marks[0], 300]], 14);
  expect(found.map(({ at, kind, marks }) => [at, kind, marks.length])).toEqual([[102, "error", 2], [300, "checkpoint", 1]]);
});

test("checkpoints neither move nor count as what else happened, and join on either side of it", () => {
  const saved = Array.from({ length: 9 }, (_, i) => checkpoint(i));
  const marks = marksOf(...saved, note(20)).all;
  const found = clusters(marks.map((mark, i) => [mark, i === 9 ? 42 : i * 10] as const), 14);
  expect(found.map(({ at, kind, marks, beside }) => [at, kind, marks.length, beside]))
    .toEqual([[5, "checkpoint", 2, 0], [20, "checkpoint", 1, 0], [42, "note", 1, 3], [65, "checkpoint", 2, 0], [80, "checkpoint", 1, 0]]);
});

test("all checkpoints are one line where the last stands, and push no note out", () => {
  const all = marksOf(note(1), ...Array.from({ length: 14 }, (_, i) => checkpoint(i + 2, { step: i }))).all;
  expect(folded(all, 1400).map(({ title }) => title)).toEqual(["why", "1,400 checkpoints, the last"]);
  expect(folded(all, 1400).at(-1)?.event).toBe(all.at(-1)?.event);
  const one = marksOf(checkpoint(1), note(2)).all;
  expect(folded(one, 1)).toEqual(one);
});

test("a chain of neighbours is not one heap as wide as the chart", () => {
  const marks = marksOf(...Array.from({ length: 50 }, (_, i) => checkpoint(i))).all;
  const found = clusters(marks.map((mark, i) => [mark, i * 10] as const), 14);
  expect(found.length).toBeGreaterThan(15);
});

function curve(): Series {
  const series = new Series();
  for (let i = 1; i <= 100; i++) series.append({ value: 1, step: i, batch: 2 * i, epoch: i / 10, time: 1000 + i, attempt: 1 });
  return series;
}

test("a mark stands where it says, or where the run was then", () => {
  const locator = new Locator();
  locator.goBy([new Series(), curve()]);
  const [timed, stepped] = marksOf(checkpoint(1050), checkpoint(1060, { step: 60, epoch: 6.05 })).all as [Mark, Mark];
  expect((["step", "batch", "epoch", "time"] as const).map((axis) => locator.place(timed, axis))).toEqual([50, 100, 5, 1050]);
  expect((["step", "batch", "epoch", "time"] as const).map((axis) => locator.place(stepped, axis))).toEqual([60, 120, 6.05, 1060]);
});

test("a note on a step stands at that step, whenever it was written; one on the run only in time", () => {
  const locator = new Locator();
  locator.goBy([curve()]);
  const [onStep, onRun] = marksOf(note(5000, { step: 20 }), note(5001)).all as [Mark, Mark];
  expect((["step", "epoch", "time"] as const).map((axis) => locator.place(onStep, axis))).toEqual([20, 2, 1020]);
  expect((["step", "epoch", "time"] as const).map((axis) => locator.place(onRun, axis))).toEqual([null, null, 5001]);
});

test("a step that the run has not reached has no place in time yet", () => {
  const locator = new Locator();
  const series = curve();
  locator.goBy([series]);
  const [ahead] = marksOf(note(5000, { step: 101 })).all as [Mark];
  expect(locator.place(ahead, "time")).toBe(null);
  series.append({ value: 1, step: 101, batch: 202, epoch: 10.1, time: 1101, attempt: 1 });
  expect(locator.place(ahead, "time")).toBe(1101);
});
