import { expect, test } from "vitest";
import { axesOf, axisOf } from "../src/data/axes";
import { logSplits } from "../src/data/axis";
import { Curves } from "../src/data/curves";
import { drawnOf } from "../src/data/lines";
import { Series, type XAxis } from "../src/data/series";

const NONE = { step: null, batch: null, epoch: null, samples: null, tokens: null };

test("an axis is offered where the run has it; batches where they are not the steps", () => {
  const of = (places: object): readonly string[] => axesOf({ ...NONE, ...places });
  expect(of({ step: 40, batch: 40, epoch: 2 })).toEqual(["step", "epoch", "time", "clock"]);
  expect(of({ step: 40 })).toEqual(["step", "time", "clock"]);
  expect(of({ step: 10, batch: 40 })).toEqual(["step", "batch", "time", "clock"]);
  expect(of({ epoch: 0 })).toEqual(["epoch", "time", "clock"]);
  expect(of({ samples: 64, tokens: 512 })).toEqual(["samples", "tokens", "time", "clock"]);
  expect(of({})).toEqual(["time", "clock"]);
});

test("several optimizers are drawn over the batches they share, unless the viewer chose", () => {
  const of = (places: object, chosen: XAxis | null): string => axisOf({ ...NONE, ...places }, chosen);
  expect(of({ step: 80, batch: 40 }, null)).toBe("batch");
  expect(of({ step: 80, batch: 40 }, "step")).toBe("step");
  expect(of({ step: 10, batch: 40 }, null)).toBe("step");
  expect(of({ step: 40, batch: 40 }, "batch")).toBe("step");
  expect(of({ step: 40 }, "epoch")).toBe("step");
  expect(of({ batch: 40, epoch: 1 }, null)).toBe("batch");
  expect(of({ epoch: 1 }, null)).toBe("epoch");
});

test("a point that tells no epoch stands nowhere among epochs", () => {
  const curve = new Series();
  for (const [step, epoch] of [[1, 1], [2, NaN], [3, 2]] as const) {
    curve.append({ value: step, step, batch: NaN, epoch, time: 0, attempt: 1 });
  }
  const look = { axis: "epoch" as const, smoothing: 0, from: null, to: null, zero: 0 };
  expect(drawnOf(curve, look, 100).main).toMatchObject({ x: [1, 2], raw: [1, 3] });
  expect(curve.extent("epoch")).toEqual([1, 2]);
});

test("a point stands at its batch; one that tells none stands at its step", () => {
  const curve = new Series();
  curve.append({ value: 1, step: 4, batch: 2, epoch: NaN, time: 0, attempt: 1 });
  curve.append({ value: 1, step: 6, batch: NaN, epoch: NaN, time: 0, attempt: 1 });
  expect([curve.x("batch", 0), curve.x("batch", 1)]).toEqual([2, 6]);
  expect(curve.extent("batch")).toEqual([2, 6]);
});

test("a curve is drawn over the samples and the tokens it was measured at, and over the time of day", () => {
  const curves = new Curves();
  for (let i = 1; i < 4; i++) curves.append({ type: "metrics", seq: i, time: 1_000 + i, step: i, samples: 8 * i, tokens: 64 * i, values: { loss: i } });
  const over = (axis: XAxis) => drawnOf(curves.byName.get("loss")!, { axis, smoothing: 0, from: null, to: null, zero: 1_000 }, 100).main.x;
  expect([over("samples"), over("tokens"), over("time"), over("clock")]).toEqual([[8, 16, 24], [64, 128, 192], [1, 2, 3], [1_001, 1_002, 1_003]]);
});

test("a logarithmic axis leaves out what stands at 0, and is labelled at round numbers", () => {
  const curve = new Series();
  for (const step of [0, 1, 10]) curve.append({ value: 1, step, batch: NaN, epoch: NaN, time: 0, attempt: 1 });
  expect(drawnOf(curve, { axis: "step", smoothing: 0, from: null, to: null, zero: 0, logX: true }, 100).main.x).toEqual([1, 10]);
  expect(logSplits(0.7, 120)).toEqual([1, 2, 5, 10, 20, 50, 100]);
  expect(logSplits(1, 1e16)).toEqual([1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12, 1e14, 1e16]);
});
