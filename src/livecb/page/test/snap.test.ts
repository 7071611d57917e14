import { expect, test } from "vitest";
import { merge } from "../src/data/lines";
import { snapped } from "../src/data/snap";

const noise = (seed: number): number => Math.abs(Math.sin(seed * 12.9898) * 43758.5453) % 1;

test("fifty lines that stand at places of their own share rows once they are snapped", () => {
  const lines = Array.from({ length: 50 }, (_, line) => {
    const x = Array.from({ length: 400 }, (_, i) => (i + noise(line * 400 + i)) * 250);
    return { x, y: x.map((_, i) => noise(i)) };
  });
  const plain = merge(lines);
  const shared = merge(lines.map(({ x, y }) => ({ x: snapped(x, [0, 100_000], 400), y })));
  expect(plain.x.length).toBeGreaterThan(15_000);
  expect(shared.x.length).toBeLessThan(1_600);
  shared.columns.forEach((column, line) => {
    expect(column.filter((y) => y !== undefined)).toEqual(lines[line]?.y);
  });
});

test("a place that is snapped moves by half a cell at most, and stays in order", () => {
  const x = Array.from({ length: 1_000 }, (_, i) => (i + noise(i)) * 7);
  const moved = snapped(x, [500, 5_000], 300);
  moved.forEach((at, i) => expect(Math.abs(at - (x[i] as number))).toBeLessThanOrEqual(7.5 + 1e-9));
  expect(moved).toEqual([...moved].sort((a, b) => a - b));
});

test("where the range is a point, places stay as they are", () => {
  expect(snapped([1, 2], [3, 3], 100)).toEqual([1, 2]);
});
