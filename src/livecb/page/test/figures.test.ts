import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { System } from "../client/generated/events";
import { Machine } from "../src/data/machine";
import { figuresOf, MOST_FIGURES } from "../src/figures";
import type { RunSession } from "../src/session";

const asked: string[] = [];
let pages: Record<string, { cursor: string; events: System[] }> = {};

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  vi.stubGlobal("fetch", async (address: string) => {
    const cursor = new URL(address, "http://x").searchParams.get("cursor") as string;
    asked.push(cursor);
    return Response.json(pages[cursor] ?? { cursor, events: [] });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function said(...times: number[]): System[] {
  return times.map((time) => ({ type: "system", seq: time, time, cpu: time }));
}

function session(): RunSession {
  return { base: "/", run: "A", loads: 1, connects: 1, curves: { byName: new Map() }, topics: { changed: () => undefined } } as unknown as RunSession;
}

function drawn(machine: Machine): number[] {
  return [...(machine.curves.byName.get("cpu")?.value.view() ?? [])];
}

test("short pages are read to the end, since an answer is also full of bytes", async () => {
  pages = { 0: { cursor: "7", events: said(1) }, 7: { cursor: "9", events: said(2, 3) } };
  const figures = figuresOf(session());
  figures.watch();
  figures.see(said(4)[0] as System);
  await vi.advanceTimersByTimeAsync(10);
  figures.see(said(4)[0] as System);
  expect(asked).toEqual(["0", "7", "9"]);
  expect(drawn(figures.machine)).toEqual([1, 2, 3, 4]);
});

test("who looks again, or is connected again, reads on and misses nothing", async () => {
  pages = { 0: { cursor: "7", events: said(1) } };
  const followed = session();
  const leave = figuresOf(followed).watch();
  await vi.advanceTimersByTimeAsync(1000);
  leave();
  pages[7] = { cursor: "8", events: said(2, 3) };
  const figures = figuresOf(followed);
  figures.see(said(3)[0] as System);
  figures.watch();
  await vi.advanceTimersByTimeAsync(1000);
  pages[8] = { cursor: "9", events: said(4, 5) };
  followed.connects++;
  figures.see(said(5)[0] as System);
  figures.wish();
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual(["0", "7", "7", "8", "8", "9"]);
  expect(drawn(figures.machine)).toEqual([1, 2, 3, 4, 5]);
});

test("a server that is away is asked again, and a log that was replaced begins anew", async () => {
  pages = { 0: { cursor: "7", events: said(1) } };
  const answers = fetch;
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("away")));
  const followed = session();
  const first = figuresOf(followed);
  first.watch();
  await vi.advanceTimersByTimeAsync(10);
  vi.stubGlobal("fetch", answers);
  await vi.advanceTimersByTimeAsync(1000);
  expect(drawn(first.machine)).toEqual([1]);
  (followed as { loads: number }).loads++;
  expect(drawn(figuresOf(followed).machine)).toEqual([]);
});

test("of too many figures the first are read, and no line joins them with those that come", async () => {
  const many = Array<System>(MOST_FIGURES).fill({ type: "system", seq: 1, time: 1, cpu: 1 });
  vi.stubGlobal("fetch", async () => ({ ok: true, json: async () => ({ cursor: "7", events: many }) }));
  const figures = figuresOf(session());
  figures.watch();
  await vi.advanceTimersByTimeAsync(10);
  expect(figures.cut).toBe(true);
  figures.see(said(3)[0] as System);
  expect(drawn(figures.machine)).toEqual([1, NaN, 3]);
});
