import { expect, test } from "vitest";
import { axesOf, axisOf } from "../src/data/axes";
import { drawnOf } from "../src/data/lines";
import { Series, type XAxis } from "../src/data/series";

const NONE = { step: null, batch: null, epoch: null, samples: null, tokens: null };

test("an axis is offered where the run has it; batches where they are not the steps", () => {
  const of = (places: object): readonly string[] => axesOf({ ...NONE, ...places });
  expect(of({ step: 40, batch: 40, epoch: 2 })).toEqual(["step", "epoch", "time"]);
  expect(of({ step: 40 })).toEqual(["step", "time"]);
  expect(of({ step: 10, batch: 40 })).toEqual(["step", "batch", "time"]);
  expect(of({ epoch: 0 })).toEqual(["epoch", "time"]);
  expect(of({ samples: 64 })).toEqual(["step", "time"]);
  expect(of({})).toEqual(["time"]);
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
