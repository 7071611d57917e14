import { expect, test } from "vitest";
import * as format from "../src/data/format";

const plain = (text: string): string => text.replaceAll("\u00a0", " ").replaceAll("\u2212", "-");

test("values have four digits, thousands separated, powers of ten when small", () => {
  const shown = [0.0934, 0.1187, 1.23456, 12.3456, 1234.5, 3e-4, 1e-3, 0, 1, -0.5, 0.00123, 1e12].map((number) => format.value(number));
  expect(shown.map(plain)).toEqual([
    "0.0934", "0.1187", "1.235", "12.35", "1,235", "3.0e-4", "1.0e-3", "0", "1", "-0.5000", "0.00123", "1.0e12",
  ]);
});

test("what is no number says so", () => {
  expect([NaN, Infinity, -Infinity].map((number) => plain(format.value(number)))).toEqual(["NaN", "∞", "-∞"]);
});

test("two values that differ never look the same", () => {
  expect(format.valueBeside(0.99981, 0.99979)).toBe("0.99981");
  expect(format.valueBeside(0.1187, 0.1201)).toBe("0.1187");
  expect(format.valueBeside(0.5, 0.5)).toBe("0.5000");
});

test("durations have two units at most", () => {
  const shown = [0, 0.4, 45, 61, 252, 3600, 7500, 90_000].map(format.duration);
  expect(shown.map(plain)).toEqual(["0 s", "< 1 s", "45 s", "1 min 01 s", "4 min 12 s", "1 h 00 min", "2 h 05 min", "1 d 01 h"]);
});

test("nothing is a hundred percent before the end", () => {
  expect([0, 0.36, 0.9999, 1].map(format.percent)).toEqual(["0%", "36%", "99%", "100%"]);
});

test("bytes have three digits at most and a unit", () => {
  expect([0, 999, 1000, 18_400_000_000, 1_234_567].map(format.bytes).map(plain)).toEqual(["0 B", "999 B", "1.0 kB", "18.4 GB", "1.2 MB"]);
});

test("slow rates are told as seconds a unit", () => {
  expect([9.2, 1234, 0.02].map((rate) => plain(format.rate(rate, "batch")))).toEqual(["9.2 batches/s", "1,234 batches/s", "50 s a batch"]);
});

test("changes have a sign", () => {
  expect([0.004, -0.032, 0].map((delta) => plain(format.change(delta)))).toEqual(["+0.0040", "-0.032", "±0"]);
});

test("measured seconds are told as exactly as matters", () => {
  expect([0.00681, 0.099, 0.2, 2.345, 99.9, 125].map((measured) => plain(format.seconds(measured)))).toEqual(
    ["6.81 ms", "99.0 ms", "0.200 s", "2.35 s", "99.9 s", "2 min 05 s"],
  );
});
