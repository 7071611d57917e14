import { expect, test } from "vitest";
import type { SeriesAnswer } from "../client/api";
import { Curves } from "../src/data/curves";
import { drawnOf, merge, type Look } from "../src/data/lines";
import { Series } from "../src/data/series";
import { bearable, smooth } from "../src/data/smooth";
import { thin } from "../src/data/thin";

const LOOK: Look = { axis: "step", smoothing: 0, from: null, to: null, zero: 0 };

function series(points: [step: number, value: number, attempt?: number][]): Series {
  const made = new Series();
  for (const [step, value, attempt = 1] of points) made.append({ step, value, attempt, batch: NaN, epoch: step / 10, time: 100 + step });
  return made;
}

test("one outlier among a hundred thousand points is kept", () => {
  const y = Array.from({ length: 100_000 }, (_, i) => Math.sin(i));
  y[77_777] = 1e6;
  y[3] = -1e6;
  const kept = thin(y, 1000);
  expect(kept).toContain(77_777);
  expect(kept).toContain(3);
  expect(kept.length).toBeLessThanOrEqual(1000);
  expect([...kept].sort((a, b) => a - b)).toEqual(kept);
});

test("a gap is kept when a curve is thinned", () => {
  const y = Array.from({ length: 10_000 }, () => 1);
  y[5_432] = NaN;
  expect(thin(y, 100)).toContain(5_432);
});

test("a curve that grows for long is thinned with its extremes, and still counts every point", () => {
  const long = new Series();
  for (let i = 0; i < 30_000; i++) long.append({ step: i, value: i === 12_345 ? 9 : 0, attempt: 1, batch: NaN, epoch: NaN, time: i });
  expect(long.length).toBeLessThanOrEqual(20_000);
  expect(long.count).toBe(30_000);
  expect(long.thinned).toBe(true);
  expect(Math.max(...long.value.view())).toBe(9);
});

test("smoothing is debiased and passes by what is not finite", () => {
  expect([...smooth([5, 5, 5], 0.9)].map((y) => Math.round(y * 1e9) / 1e9)).toEqual([5, 5, 5]);
  const [first, hole, last] = smooth([1, NaN, 3], 0.5);
  expect([first, hole]).toEqual([1, NaN]);
  expect(last).toBeCloseTo((1 * 0.25 + 3 * 0.5) / 0.75);
});

test("a curve is smoothed as strongly as its points bear, a short one not at all", () => {
  expect([3, 50, 100, 250, 10_000].map((points) => bearable(0.8, points))).toEqual([0, 0, 0.5, 0.8, 0.8]);
  const falling = (points: number, perEpoch: number): Series => {
    const made = new Series();
    for (let i = 0; i < points; i++) made.append({ step: i, value: 1 / (1 + i), attempt: 1, batch: NaN, epoch: i / perEpoch, time: i });
    return made;
  };
  const smoothed = (curve: Series): number[] | null => drawnOf(curve, { ...LOOK, smoothing: 0.8 }, 10_000).main.smoothed;
  expect(smoothed(falling(50, 10))).toBeNull();
  expect(smoothed(falling(300, 1))).toBeNull();
  expect(smoothed(falling(300, 10))?.at(-1)).toBeCloseTo(1 / 300, 3);
});

test("what a later attempt abandoned is a branch of its own", () => {
  const curve = series([[8, 1], [9, 2], [10, 3], [11, 4]]);
  curve.rewind([{ attempt: 2, from_step: 11, to_step: 9, time: 200 }]);
  for (const [step, value] of [[10, 5], [11, 6], [12, 7]] as const) curve.append({ step, value, attempt: 2, batch: NaN, epoch: 0, time: 300 });
  const { main, abandoned } = drawnOf(curve, LOOK, 1000);
  expect(main.x).toEqual([8, 9, 10, 11, 12]);
  expect(main.raw).toEqual([1, 2, 5, 6, 7]);
  expect(abandoned.map((branch) => branch.x)).toEqual([[10, 11]]);
});

test("a part of the axis is drawn with one more point on either side", () => {
  const curve = series(Array.from({ length: 100 }, (_, i) => [i, i]));
  expect(drawnOf(curve, { ...LOOK, from: 50.5, to: 52.5 }, 1000).main.x).toEqual([50, 51, 52, 53]);
});

test("steps that fall back are drawn in their order, none dropped", () => {
  expect(drawnOf(series([[5, 1], [3, 2], [4, 3]]), LOOK, 100).main).toMatchObject({ x: [3, 4, 5], raw: [2, 3, 1] });
});

test("merged columns know points, gaps, and rows of others", () => {
  const { x, columns } = merge([
    { x: [1, 2, 4], y: [10, NaN, 40] },
    { x: [2, 3, 3], y: [5, 6, 7] },
  ]);
  expect(x).toEqual([1, 2, 3, 3, 4]);
  expect(columns).toEqual([
    [10, null, undefined, undefined, 40],
    [undefined, 5, 6, 7, undefined],
  ]);
});

test("each attempt after the first begins where its first point is, whichever curve has it", () => {
  const curves = new Curves();
  const columns = (time: number[], attempt: number[]) => ({
    chart: "loss", series: "train", count: time.length, thinned: false, axis: "step", x: time, y: time, step: time, batch: time, time, epoch: time, attempt,
  });
  const series = { "val/loss": columns([5, 30], [1, 2]), "train/loss": columns([0, 10, 20, 40], [1, 1, 2, 3]) };
  curves.load({ cursor: "9", series, rewinds: [] } as SeriesAnswer, 3);
  curves.attempt = 4;
  for (const step of [50, 60]) curves.append({ type: "metrics", seq: 0, step, time: step, values: { "train/loss": 1 } });
  expect([...curves.begins].map(([attempt, { step }]) => [attempt, step])).toEqual([[2, 20], [3, 40], [4, 50]]);
});

test("a line that stands still is drawn straight", () => {
  expect(new Set(smooth(new Array(200).fill(0.1), 0.8))).toEqual(new Set([0.1]));
});
