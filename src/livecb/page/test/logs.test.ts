import { expect, test } from "vitest";
import { LogBuffer, folded, PAGE_EVENTS } from "../src/data/logs";
import type { Log } from "../client/generated/events";

function lines(from: number, to: number): Log[] {
  return Array.from({ length: to - from }, (_, i) => ({ type: "log", seq: from + i, time: from + i, message: `line ${from + i}` }));
}

test("a line that comes as history and live is there once", () => {
  const buffer = new LogBuffer();
  buffer.add(lines(3, 4)[0]!, "30");
  buffer.addHistory("0", lines(0, 5), 0);
  buffer.historyDone();
  buffer.add(lines(4, 5)[0]!, "40");
  buffer.add(lines(5, 6)[0]!, "50");
  expect(buffer.count).toBe(6);
  expect(new Set(buffer.rows.map((row) => row.text)).size).toBe(6);
});

test("memory is bounded, and what was let go can be taken back", () => {
  const buffer = new LogBuffer();
  for (let page = 0; page < 20; page++) buffer.addHistory(String(page), lines(page * PAGE_EVENTS, (page + 1) * PAGE_EVENTS), page);
  buffer.trim();
  expect(buffer.count).toBe(20 * PAGE_EVENTS);
  expect(buffer.rows.length).toBeLessThan(7 * PAGE_EVENTS);
  const first = Number(buffer.rows[0]?.text.split(" ")[1]);
  const older = buffer.older()!;
  buffer.restore(older.start, lines(first - PAGE_EVENTS, first));
  expect(buffer.rows[0]?.text).toBe(`line ${first - PAGE_EVENTS}`);
});

test("a long line is folded between words, and loses none of it", () => {
  const buffer = new LogBuffer();
  const message = "the learning rate is far too high for a batch of this size, " + "x".repeat(70);
  buffer.add({ type: "log", seq: 0, time: 0, level: "WARNING", logger: "opt", message }, "0");
  const lines = folded(buffer.rows, 40);
  expect(lines.map((line) => line.text)).toEqual([
    "the learning rate is far ", "too high for a batch of this size, ", "x".repeat(40), "x".repeat(30),
  ]);
  expect(lines.map((line) => line.first)).toEqual([true, false, false, false]);
  expect(new Set(lines.map((line) => line.key)).size).toBe(4);
  expect(folded(buffer.rows, Infinity)).toEqual(buffer.rows);
});

test("messages of several lines make several rows, terminal codes make none", () => {
  const buffer = new LogBuffer();
  const message = "\u001b[31mred\u001b[0m\nsecond\n";
  buffer.add({ type: "log", seq: 0, time: 1, message, stream: "stderr" }, "0");
  buffer.add({ type: "log", seq: 1, time: 2, message: " 10%\r 50%\r100%", stream: "stderr" }, "1");
  expect(buffer.rows.map((row) => [row.first, row.text])).toEqual([[true, "red"], [false, "second"], [true, "100%"]]);
});
