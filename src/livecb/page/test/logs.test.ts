import { expect, test } from "vitest";
import { parseAnsi, pieces } from "../src/data/ansi";
import { finderOf, goalOf, placeIn } from "../src/data/find";
import { LogPages, PAGE_EVENTS, asText, newsOf, isOf, plain } from "../src/data/logs";
import type { Log } from "../client/generated/events";

function line(number: number, more: Partial<Log> = {}): Log {
  return { type: "log", seq: number, time: number, message: `line ${number}`, ...more };
}

function lines(from: number, to: number): Log[] {
  return Array.from({ length: to - from }, (_, i) => line(from + i));
}

/** The end of a log of so many lines, as it is when it was just opened. */
function opened(count: number): LogPages {
  const pages = new LogPages();
  pages.count = count;
  const page = Math.floor((count - 1) / PAGE_EVENTS);
  pages.load(page, lines(page * PAGE_EVENTS, count), count);
  return pages;
}

function shown(pages: LogPages, from: number, to: number): (string | null)[] {
  return pages.rows(from, to).map((row) => row && row.text);
}

test("of a long log only what is looked at is here, and each line has its place", () => {
  const pages = opened(100_010);
  expect(pages.rowCount).toBe(100_010);
  expect(shown(pages, 100_008, 100_020)).toEqual(["line 100008", "line 100009"]);
  expect(shown(pages, 49_999, 50_001)).toEqual([null, null]);
  expect(pages.missing(49_999, 50_001)).toEqual([199, 200]);
  pages.load(200, lines(50_000, 50_000 + PAGE_EVENTS), 100_010);
  expect(shown(pages, 49_999, 50_001)).toEqual([null, "line 50000"]);
  expect(pages.missing(50_000, 50_100)).toEqual([]);
});

test("what comes stands behind what there is, also in pages of its own", () => {
  const pages = opened(PAGE_EVENTS - 1);
  for (let number = PAGE_EVENTS - 1; number < PAGE_EVENTS + 2; number++) pages.add(line(number));
  expect(pages.count).toBe(PAGE_EVENTS + 2);
  expect(shown(pages, PAGE_EVENTS - 2, PAGE_EVENTS + 9)).toEqual([-2, -1, 0, 1].map((i) => `line ${PAGE_EVENTS + i}`));
});

test("memory is bounded: what is far from the reader and from the end goes, and is asked for again", () => {
  const pages = opened(100 * PAGE_EVENTS);
  for (let page = 0; page < 99; page++) {
    pages.load(page, lines(page * PAGE_EVENTS, (page + 1) * PAGE_EVENTS), 100 * PAGE_EVENTS);
    pages.trim(50 * PAGE_EVENTS);
  }
  expect(pages.held).toBeLessThan(30 * PAGE_EVENTS);
  expect(pages.missing(50 * PAGE_EVENTS, 50 * PAGE_EVENTS)).toEqual([]);
  expect(pages.missing(99 * PAGE_EVENTS, 100 * PAGE_EVENTS)).toEqual([]);
  expect(pages.missing(0, 0)).toEqual([0]);
});

test("a long line is folded between words, loses none of it, and the line under it keeps its place", () => {
  const pages = new LogPages();
  pages.count = 0;
  pages.fold(40);
  const message = "the learning rate is far too high for a batch of this size, " + "x".repeat(70);
  pages.add(line(0, { level: "WARNING", logger: "opt", message }));
  pages.add(line(1));
  const rows = pages.rows(0, 99);
  expect(rows.map((row) => row?.text)).toEqual([
    "the learning rate is far ", "too high for a batch of this size, ", "x".repeat(40), "x".repeat(30), "line 1",
  ]);
  expect(rows.map((row) => row?.first)).toEqual([true, false, false, false, true]);
  expect(new Set(rows.map((row) => row?.key)).size).toBe(5);
  expect([pages.rowOf(1), pages.numberAt(3), pages.numberAt(4)]).toEqual([4, 0, 1]);
  pages.fold(Infinity);
  expect(pages.rowOf(1)).toBe(1);
});

test("a bar that was drawn over is the line it was last; messages of several lines make several rows", () => {
  expect(plain(line(0, { message: " 10%\r 50%\r100%\r\nsecond\n" }))).toBe("100%\nsecond");
  const pages = new LogPages();
  pages.count = 0;
  pages.add(line(0, { message: "one\r\ntwo", stream: "stderr" }));
  expect(pages.rows(0, 9).map((row) => [row?.first, row?.text])).toEqual([[true, "one"], [false, "two"]]);
});

test("what a terminal colours is coloured; what moves its cursor is left out", () => {
  const { text, spans } = parseAnsi("a\u001b[1;31mred\u001b[0m\u001b[2K b\u001b[38;5;208mfire\u001b[48;2;1;2;3mx\u001b[m");
  expect(text).toBe("ared bfirex");
  const seen = [...pieces(spans, 0, text.length)].map(({ from, to, style }) => [text.slice(from, to), style.kind, style.color, style.ground]);
  expect(seen).toEqual([
    ["a", "", null, null], ["red", "bold c1", null, null], [" b", "", null, null],
    ["fire", "", "rgb(255 135 0)", null], ["x", "", "rgb(255 135 0)", "rgb(1 2 3)"],
  ]);
  expect([...pieces(spans, 2, 3)].map(({ style }) => style.kind)).toEqual(["bold c1"]);
});

test("a line that was known when the end was loaded is not taken again, part by part", () => {
  expect(newsOf("10", "20", "20")).toBe("none");
  expect(newsOf("20", "30", "20")).toBe("all");
  expect(newsOf("main@10,1@50", "main@10,1@60", "main@5,1@60")).toBe("none");
  expect(newsOf("main@10,1@50", "main@20,1@50", "main@10,1@60")).toBe("all");
  expect(newsOf("10", "main@10,1@5", "12")).toBe("all");
});

test("of lines that came together, some may have been known", () => {
  expect(newsOf("10", "30", "20")).toBe("some");
  expect(newsOf("main@10,1@50", "main@20,1@60", "main@10,1@60")).toBe("some");
});

test("a level holds the graver ones, and what nobody knows counts as information", () => {
  expect(["debug", "INFO", "warn", "critical", "LOUD"].map((level) => isOf(line(0, { level }), "WARNING")))
    .toEqual([false, false, true, true, false]);
  expect(isOf(line(0, { level: "LOUD" }), "INFO")).toBe(true);
});

test("words are found whatever their case, unless a capital is typed; expressions as they say", () => {
  expect(finderOf("oom (", false)?.has("CUDA OOM (2 GiB)")).toBe(true);
  expect(finderOf("OOM", false)?.has("zoom")).toBe(false);
  expect(finderOf("lr=\\d+e-\\d", true)?.ranges("lr=3e-4, lr=1e-3")).toEqual([[0, 7], [9, 16]]);
  expect(finderOf("\\S+:$", true)?.has("Error:")).toBe(true);
  expect(finderOf("", true)).toBe(null);
  expect(() => finderOf("(", true)).toThrow(SyntaxError);
  expect([0, 4, 5, 9].map((number) => placeIn([2, 5, 7], number))).toEqual([0, 1, 1, 3]);
});

test("places are understood as people write them", () => {
  const latest = new Date(2026, 10, 21, 14, 0, 0).getTime() / 1000;
  const at = (day: number, hour: number, minute: number, second = 0): number => new Date(2026, 10, day, hour, minute, second).getTime() / 1000;
  expect(goalOf("13:05", latest)).toEqual({ time: at(21, 13, 5) });
  expect(goalOf("23:05:10", latest)).toEqual({ time: at(20, 23, 5, 10) });
  expect(goalOf("2026-11-19 08:00", latest)).toEqual({ time: at(19, 8, 0) });
  expect(goalOf("-5m", latest)).toEqual({ time: latest - 300 });
  expect(goalOf("step 1,200", latest)).toEqual({ step: 1200 });
  expect(goalOf("#300", latest)).toEqual({ line: 299 });
  expect([goalOf("25:00", latest), goalOf("soon", latest), goalOf("", latest)]).toEqual([null, null, null]);
});

test("a line is copied with its time, its level and its source, without colours", () => {
  expect(asText(line(0, { time: 3600, level: "warning", logger: "opt", message: "\u001b[33mslow\u001b[0m" }), 3600)).toMatch(/^\d\d:\d\d:\d\d {2}WARNING opt: slow$/);
});
