import { expect, test } from "vitest";
import { csvOf } from "../src/data/csv";
import { Curves } from "../src/data/curves";

test("a chart as CSV has every point of the part that is looked at, with all it knows of where it stands", () => {
  const curves = new Curves();
  for (let step = 0; step < 4; step++) curves.append({ type: "metrics", seq: step, time: 100 + step, step, values: { "a,b": step === 2 ? "NaN" : step / 4 } });
  const look = { axis: "step" as const, smoothing: 0, from: 1, to: 2, zero: 100 };
  expect(csvOf(["a,b", "none"], curves, look, [1, 2])).toBe(
    'metric,step,time,value,attempt,abandoned\r\n"a,b",1,101,0.25,1,false\r\n"a,b",2,102,NaN,1,false\r\n',
  );
  const over = { ...look, axis: "time" as const };
  expect(csvOf(["a,b"], curves, over, [3, 3]).split("\r\n")[1]).toBe('"a,b",3,103,0.75,1,false');
});

test("a name that a spreadsheet would take for a formula is none", () => {
  const curves = new Curves();
  curves.append({ type: "metrics", seq: 0, time: 1, step: 1, values: { "=SUM(A1)": 1 } });
  expect(csvOf(["=SUM(A1)"], curves, { axis: "step", smoothing: 0, from: null, to: null, zero: 0 }, [0, 2])).toContain("'=SUM(A1),1,");
});
