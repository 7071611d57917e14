import { expect, test } from "vitest";
import { axesOf, axisOf } from "../src/data/axes";
import { Series } from "../src/data/series";

test("batches are an axis where they are not the steps", () => {
  expect(axesOf({ step: 40, batch: 40 })).toEqual(["step", "epoch", "time"]);
  expect(axesOf({ step: 40, batch: null })).toEqual(["step", "epoch", "time"]);
  expect(axesOf({ step: 10, batch: 40 })).toEqual(["step", "batch", "epoch", "time"]);
});

test("several optimizers are drawn over the batches they share, unless the viewer chose", () => {
  expect(axisOf({ step: 80, batch: 40 }, null)).toBe("batch");
  expect(axisOf({ step: 80, batch: 40 }, "step")).toBe("step");
  expect(axisOf({ step: 10, batch: 40 }, null)).toBe("step");
  expect(axisOf({ step: 40, batch: 40 }, "batch")).toBe("step");
  expect(axisOf({ step: null, batch: 40 }, null)).toBe("step");
});

test("a point stands at its batch; one that tells none stands at its step", () => {
  const curve = new Series();
  curve.append({ value: 1, step: 4, batch: 2, epoch: NaN, time: 0, attempt: 1 });
  curve.append({ value: 1, step: 6, batch: NaN, epoch: NaN, time: 0, attempt: 1 });
  expect([curve.x("batch", 0), curve.x("batch", 1)]).toEqual([2, 6]);
  expect(curve.extent("batch")).toEqual([2, 6]);
});
