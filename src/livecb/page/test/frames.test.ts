import { beforeEach, expect, test, vi } from "vitest";
import { Frames } from "../src/frames";

let now = 0;
let pending: (() => void)[] = [];

beforeEach(() => {
  now = 0;
  pending = [];
  vi.stubGlobal("performance", { now: () => now });
  vi.stubGlobal("requestAnimationFrame", (call: () => void) => pending.push(call));
});

function frame(): void {
  const calls = pending;
  pending = [];
  for (const call of calls) call();
}

test("what there is time for is drawn at once, the rest in the next frames", () => {
  const frames = new Frames();
  const drawn: number[] = [];
  for (let chart = 0; chart < 6; chart++) frames.ask({}, () => ((now += 6), drawn.push(chart)));
  expect(drawn).toEqual([0, 1]);
  frame();
  expect(drawn).toEqual([0, 1, 2, 3]);
  frame();
  expect(drawn).toEqual([0, 1, 2, 3, 4, 5]);
  frame();
  frame();
  expect(pending).toEqual([]);
});

test("what the browser takes long to paint has a frame of its own", () => {
  const frames = new Frames();
  const drawn: number[] = [];
  for (let chart = 0; chart < 3; chart++) frames.ask({}, () => void drawn.push(chart), true);
  expect(drawn).toEqual([0]);
  frame();
  expect(drawn).toEqual([0, 1]);
  frame();
  expect(drawn).toEqual([0, 1, 2]);
});

test("however often a chart is asked for in a frame, it is drawn once, as it was asked for last", () => {
  const frames = new Frames();
  const drawn: string[] = [];
  const chart = {};
  frames.ask({}, () => (now += 50));
  for (let i = 0; i < 100; i++) frames.ask(chart, () => drawn.push(`as of ${i}`));
  expect(drawn).toEqual([]);
  frame();
  expect(drawn).toEqual(["as of 99"]);
});

test("what is gone is not drawn", () => {
  const frames = new Frames();
  const gone = {};
  const draw = vi.fn();
  frames.ask({}, () => (now += 50));
  frames.ask(gone, draw);
  frames.drop(gone);
  frame();
  expect(draw).not.toHaveBeenCalled();
});

test("a drawing that takes longer than a frame holds up no other for ever", () => {
  const frames = new Frames();
  const drawn: number[] = [];
  for (let chart = 0; chart < 3; chart++) frames.ask({}, () => ((now += 100), drawn.push(chart)));
  frame();
  frame();
  expect(drawn).toEqual([0, 1, 2]);
});
