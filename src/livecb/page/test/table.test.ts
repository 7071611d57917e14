import { expect, test } from "vitest";
import { Curves } from "../src/data/curves";
import { MOST_ROWS, tableOf, wayOf } from "../src/data/table";

const LOOK = { axis: "step" as const, smoothing: 0.9, from: null, to: null, zero: 0 };
const line = (metric: string) => ({ metric, label: metric, color: 0, dash: 0, dots: false, exact: false }) as never;

function curvesOf(values: readonly (number | string)[], name = "loss"): Curves {
  const curves = new Curves();
  values.forEach((held, step) => curves.append({ type: "metrics", seq: step, time: 100 + step, step, values: { [name]: held } } as never));
  return curves;
}

test("a table has the measured values, and says how each line went", () => {
  const { courses, x, columns, thinned } = tableOf([line("loss"), line("none")], curvesOf([4, 1, "NaN", 2]), LOOK, [0, 3]);
  expect(x).toEqual([0, 1, 2, 3]);
  expect(columns).toEqual([[4, 1, null, 2]]);
  expect(thinned).toBe(false);
  expect(courses).toEqual([{ label: "loss", metric: "loss", points: 3, odd: 1, first: 4, last: 2, low: 1, lowAt: 1, high: 4, highAt: 0 }]);
});

test("only the part that is shown counts", () => {
  const look = { ...LOOK, from: 1, to: 2 };
  const { courses, x } = tableOf([line("loss")], curvesOf([9, 3, 5, 0]), look, [1, 2]);
  expect(x).toEqual([1, 2]);
  expect(courses[0]).toMatchObject({ first: 3, last: 5, low: 3, high: 5 });
});

test("of many points the table keeps the outlier, and says that it is thinned", () => {
  const values = Array.from({ length: 5000 }, (_, i) => (i === 3333 ? 1000 : Math.sin(i)));
  const { courses, x, columns, thinned } = tableOf([line("loss")], curvesOf(values), LOOK, [0, 4999]);
  expect(thinned).toBe(true);
  expect(x.length).toBeLessThanOrEqual(MOST_ROWS);
  expect(columns[0]).toContain(1000);
  expect(courses[0]).toMatchObject({ points: 5000, high: 1000, highAt: 3333 });
});

test("a line that came back went nowhere", () => {
  const course = { label: "", metric: "", points: 3, odd: 0, lowAt: 0, highAt: 0, low: 0, high: 10 };
  expect(wayOf({ ...course, first: 1, last: 9 })).toBe("rose");
  expect(wayOf({ ...course, first: 9, last: 1 })).toBe("fell");
  expect(wayOf({ ...course, first: 5, last: 5.5 })).toBe("ended about where it began");
  expect(wayOf({ ...course, first: 2, last: 2, low: 2, high: 2 })).toBe("stayed the same");
});
