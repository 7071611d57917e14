import { describe, expect, test } from "vitest";
import { answerOf } from "../src/copy/answers";
import type { Held } from "../src/copy/held";

const line = (number: number, level = "INFO", step: number | null = null) => ({ type: "log", seq: number, time: 100 + number, level, message: `line ${number}`, step });
const sample = (number: number, epoch: number | null) => ({ type: "sample", seq: number, time: number, epoch });

const held = {
  state: { run: "r", cursor: "9" },
  series: { cursor: "9", series: {} },
  leaderboard: { mark: "m", leaderboard: [] },
  lines: [line(0), line(1, "ERROR"), line(2, "INFO", 7), line(3), line(4, "warning")],
  samples: { total: 9, samples: [sample(3, 2), sample(2, 1.5), sample(1, 1), sample(0, null)] },
  images: { total: 5, names: [], images: [{ name: "a", seq: 2 }, { name: "b", seq: 1 }, { name: "a", seq: 0 }] },
  system: [{ type: "system" }],
} as unknown as Held;

const get = (path: string) => answerOf(held, `./api/runs/r${path}`) as Record<string, any>;
const numbers = (answer: Record<string, any>, name: string) => answer[name].map(({ seq }: { seq: number }) => seq);

describe("a copy answers as the server would", () => {
  test("log lines by their place, at the end, of a level, at a time and at a step", () => {
    expect(get("/lines?limit=0")).toMatchObject({ total: 5, count: 5, from: 5, lines: [] });
    expect(numbers(get("/lines?from=1&limit=2"), "lines")).toEqual([1, 2]);
    expect(numbers(get("/lines?limit=2"), "lines")).toEqual([3, 4]);
    expect(get("/lines?level=WARNING&from=0")).toMatchObject({ total: 5, count: 2 });
    expect(numbers(get("/lines?level=WARNING&from=0"), "lines")).toEqual([1, 4]);
    expect(get("/lines?time=102.5&limit=0").from).toBe(3);
    expect(get("/lines?time=999&limit=0").from).toBe(5);
    expect(get("/lines?step=7&limit=0").from).toBe(2);
    expect(get("/lines?step=8&limit=0").from).toBe(5);
  });

  test("samples of an epoch, and page by page, the newest first", () => {
    expect(numbers(get("/samples?epoch=2"), "samples")).toEqual([3, 2]);
    expect(numbers(get("/samples?epoch=none"), "samples")).toEqual([0]);
    expect(get("/samples?limit=2")).toMatchObject({ total: 9, count: 4, before: 4 });
    expect(get("/samples?before=2&limit=9")).toMatchObject({ count: 4, before: 2 });
    expect(numbers(get("/samples?before=2&limit=9"), "samples")).toEqual([1, 0]);
  });

  test("pictures of a name, counted by what is here", () => {
    expect(get("/images?name=a&limit=9")).toMatchObject({ count: 2, before: 2 });
    expect(numbers(get("/images?name=a&limit=9"), "images")).toEqual([2, 0]);
  });

  test("that one may only look", () => expect(answerOf(held, "./api/access")).toMatchObject({ role: "view" }));

  test("what it does not hold is said to be missing", () => {
    for (const path of ["/flat", "/series?from=1&to=2", "/media?type=film"]) expect(() => get(path)).toThrow("Not in this copy");
    expect(() => answerOf(held, "./api/runs")).toThrow("Not in this copy");
  });
});
