import { expect, test } from "vitest";
import type { MetricState } from "../client/api";
import { chartsOf, searchOf } from "../src/data/charts";
import { modelOf, ownRangeOf, rangeOf } from "../src/views/chart-model";
import { latest, telling, tileOf, written } from "../src/data/tiles";
import { Curves } from "../src/data/curves";
import { Series } from "../src/data/series";

function metric(chart: string, series: string, more: Partial<MetricState> = {}): MetricState {
  return {
    chart, series, context: series, count: 3, value: 0.5, step: 10, epoch: null, time: 0, first: 1, min: 0.5, min_step: 10,
    max: 1, max_step: 0, goal: null, best: null, best_step: null, best_time: null, previous: 0.6, nonfinite: 0, ...more,
  };
}

const METRICS = {
  grad_norm: metric("grad_norm", "grad_norm"),
  lr: metric("lr", "lr"),
  "train/acc": metric("accuracy", "train", { goal: "max" }),
  "val/loss": metric("loss", "val", { goal: "min" }),
  "train/loss": metric("loss", "train", { goal: "min" }),
  "val/acc": metric("accuracy", "val", { goal: "max" }),
};

test("train and val of a quantity share a chart, the most telling first", () => {
  const charts = chartsOf(METRICS);
  expect(charts.map((chart) => chart.title)).toEqual(["loss", "accuracy", "lr", "grad_norm"]);
  expect(charts[0]?.lines.map((line) => line.label)).toEqual(["train", "val"]);
});

test("a series has the same colour in every chart, and no two in one chart share one", () => {
  const charts = chartsOf({
    ...METRICS,
    "train/loss_step": metric("loss", "train step"),
    "train/loss_epoch": metric("loss", "train epoch"),
  });
  const colors = Object.fromEntries(charts.map((chart) => [chart.title, chart.lines.map((line) => line.color)]));
  expect(colors.accuracy).toEqual([0, 1]);
  expect(new Set(colors.loss).size).toBe(4);
});

test("what is set, chosen or the best so far is drawn as it is", () => {
  const of = (name: string, chart = name): boolean | undefined => chartsOf({ [name]: metric(chart, "train") })[0]?.lines[0]?.exact;
  expect(["lr", "optimizer/lr", "best_value", "best/score", "val best"].map((name) => of(name))).toEqual([true, true, true, true, true]);
  expect([of("best/loss", "loss"), of("train/loss"), of("bestiary")]).toEqual([true, false, false]);
});

test("a part that begins at 0 is seen from the first step on where the axis is logarithmic", () => {
  const curves = new Curves();
  for (const step of [0, 2, 100]) curves.append({ type: "metrics", seq: step, time: step, step, values: { "train/loss": step } });
  const charts = chartsOf({ "train/loss": METRICS["train/loss"] });
  const look = { axis: "step" as const, smoothing: 0, to: 50, zero: 0, logX: true };
  expect(rangeOf(charts, curves, { ...look, from: 0 })).toEqual([1, 50]);
  expect(rangeOf(charts, curves, { ...look, from: 10 })).toEqual([10, 50]);
  expect(rangeOf(charts, curves, { ...look, from: 0, logX: false })).toEqual([0, 50]);
});

test("validation is never smoothed beside the training", () => {
  const curves = new Curves();
  for (let step = 0; step < 400; step++) {
    for (const name of ["train/loss", "val/loss"]) {
      curves.append({ type: "metrics", seq: step, time: step, step, values: { [name]: step % 2 } });
    }
  }
  const [chart] = chartsOf({ "train/loss": METRICS["train/loss"], "val/loss": METRICS["val/loss"] });
  const look = { axis: "step" as const, smoothing: 0.8, from: null, to: null, zero: 0 };
  const { lines, columns } = modelOf(chart!, curves, look, [0, 400], false, [], 400);
  expect(lines.map(({ color, alpha }) => [color, alpha])).toEqual([[0, 0.26], [0, 1], [1, 1]]);
  expect(columns.map((column) => column.filter((cell) => cell === 0 || cell === 1).length)).toEqual([400, 1, 400]);
});

test("a chart whose steps mean something else has a range of its own", () => {
  const curves = new Curves();
  const say = (name: string, step: number): void => curves.append({ type: "metrics", seq: step, time: step, step, values: { [name]: step } });
  for (let step = 1; step <= 200; step++) say("network/loss", step);
  for (let step = 1; step <= 5; step++) say("best/score", step), say("val/score", step);
  const charts = chartsOf({ "network/loss": metric("loss", "network"), "best/score": metric("best", "best"), "val/score": metric("score", "val") });
  const ranges = (axis: "step" | "time"): object => {
    const look = { axis, smoothing: 0, from: null, to: null, zero: 0 };
    const all = rangeOf(charts, curves, look);
    return Object.fromEntries(charts.map((chart) => [chart.title, ownRangeOf(chart, curves, look, all)]));
  };
  expect(ranges("step")).toEqual({ loss: [1, 200], best: [1, 5], score: [1, 200] });
  expect(ranges("time")).toEqual({ loss: [1, 200], best: [1, 200], score: [1, 200] });
});

test("beyond the palette dashes tell series apart", () => {
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`m${i}`, metric("m", `part ${i}`)]));
  const lines = chartsOf(many)[0]?.lines ?? [];
  expect(new Set(lines.map((line) => `${line.color}${line.dash}`)).size).toBe(12);
});

test("charts are found by words of their title or their metrics, or by a regular expression", () => {
  const found = (typed: string): string[] => chartsOf(METRICS).filter(searchOf(typed).matches).map(({ title }) => title);
  expect(found("val")).toEqual(["loss", "accuracy"]);
  expect(found("LOSS train")).toEqual(["loss"]);
  expect(found("^(lr|grad_.*)$")).toEqual(["lr", "grad_norm"]);
  expect(searchOf("lr").complaint).toBeNull();
});

test("what is no regular expression is looked for as it stands, and says so", () => {
  const broken = searchOf("loss[");
  expect(broken.complaint).toMatch(/no regular expression/);
  expect(chartsOf({ "loss[0]": metric("loss[0]", "loss[0]"), lr: METRICS.lr! }).filter(broken.matches).map(({ title }) => title)).toEqual(["loss[0]"]);
});

test("from the sixth colour on lines have dashes", () => {
  const many = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`m${i}`, metric("m", `train${i}x`)]));
  // The first two colours are kept for training and validation.
  expect(chartsOf(many)[0]?.lines.map(({ dash }) => dash > 0)).toEqual([false, false, false, true, true, true, true]);
});

test("ranks are one line, with the mean of what they measured and the band it lies in", () => {
  const state = { "train/loss": metric("loss", "train"), "train/loss@1": metric("loss", "train rank 1") };
  const [loss] = chartsOf(state);
  expect(loss?.lines).toMatchObject([{ metric: "train/loss", label: "train", ranks: ["train/loss", "train/loss@1"], color: 0 }]);
  const curves = new Curves();
  for (const [rank, off] of [[0, 0], [1, 2]] as const) {
    for (let step = 0; step < 10; step++) curves.append({ type: "metrics", seq: 0, time: step, step, rank, context: "train", values: { "train/loss": step + off } });
  }
  const look = { axis: "step" as const, smoothing: 0.8, from: null, to: null, zero: 0 };
  const model = modelOf(loss!, curves, look, [0, 9], false, [], 400);
  const [band] = model.bands!;
  expect(model.columns[band!.low]?.slice(0, 2)).toEqual([0, 1]);
  expect(model.columns[band!.high]?.slice(0, 2)).toEqual([2, 3]);
  expect(model.columns[model.rawColumn[0]!]?.slice(0, 2)).toEqual([1, 2]);
});

test("a curve is marked where it was best; one without a direction where it was smallest and largest", () => {
  const curves = new Curves();
  [3, 1, 2].forEach((value, step) => curves.append({ type: "metrics", seq: 0, time: step, step, values: { loss: value, norm: value } }));
  const look = { axis: "step" as const, smoothing: 0, from: null, to: null, zero: 0 };
  const state = { loss: metric("loss", "", { goal: "min", best: 1, min: 1, max: 3 }), norm: metric("norm", "", { min: 1, max: 3 }) };
  const points = chartsOf(state).map((chart) => modelOf(chart, curves, look, [0, 2], false, [], 400, state).points);
  expect(points).toMatchObject([[{ x: 1, y: 1, kind: "best" }], [{ x: 1, y: 1, kind: "low" }, { x: 0, y: 3, kind: "high" }]]);
});

test("the tiles are what is measured, then what is trained on, then the rate", () => {
  expect(telling(METRICS, 4)).toEqual(["val/acc", "val/loss", "train/loss", "lr"]);
});

test("a rate that stands still is no tile beside others", () => {
  const still = metric("lr", "lr", { min: 0.1, max: 0.1 });
  expect(telling({ "lr/D": still, "train/loss": METRICS["train/loss"] }, 4)).toEqual(["train/loss"]);
  expect(telling({ lr: still }, 4)).toEqual(["lr"]);
});

test("beside the best of a search stands neither the same again nor the course of one trial", () => {
  const search = { best_value: metric("best_value", ""), value: metric("value", ""), "intermediate/trial 0": metric("intermediate", "trial 0") };
  expect(telling(search, 4, ["best value"])).toEqual(["value"]);
  expect(telling({ "best/score": metric("best", "score") }, 4, ["best score"])).toEqual([]);
  expect(telling(search, 4)).toHaveLength(3);
});

test("what an evaluation took is no tile before what is trained on", () => {
  const took = { eval_runtime: metric("runtime", "val"), eval_samples_per_second: metric("samples_per_second", "val") };
  expect(telling({ ...took, ...METRICS }, 4)).toEqual(["val/acc", "val/loss", "train/loss", "lr"]);
});

test("a tile says whether it is the best, where the best was, or that it is no number", () => {
  const at = (more: Partial<MetricState>) => tileOf("x", metric("loss", "val", { goal: "min", ...more }), undefined);
  expect(at({ best: 0.5, best_step: 10 })).toMatchObject({ best: true, note: " · step 10" });
  expect(at({ best: 0.4, best_step: 5 })).toMatchObject({ best: false, note: "best 0.4000 · step 5" });
  expect(at({ value: "NaN" })).toMatchObject({ value: "NaN", note: "not a finite number at step 10" });
});

test("a rate that stands still says since when", () => {
  const lr = new Series();
  for (let step = 0; step < 10; step++) lr.append({ step, value: step < 4 ? 1 : 0.5, attempt: 1, batch: NaN, epoch: 0, time: 0 });
  expect(tileOf("lr", metric("lr", "lr"), lr).note).toBe("since step 4");
});

test("the latest value has the digits that tell it from the one before, and is a count where all values are", () => {
  expect(latest(metric("loss", "val", { value: 0.500012, previous: 0.500034 }))).toBe("0.50001");
  expect(latest(metric("loss", "val", { value: 2, previous: 3, min: 0.5 }))).toBe(written(2, metric("loss", "val")));
});
