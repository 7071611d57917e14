import { expect, test } from "vitest";
import { drawLine, within } from "../src/views/ink";

test("words above a line stay within the chart", () => {
  expect([0, 50, 99].map((x) => within(x, 20, 0, 100))).toEqual([20, 50, 80]);
  expect(within(5, 80, 0, 100)).toBe(80);
});

test("a line goes through its own rows, breaks at gaps, and leaves the pen as it was", () => {
  const done: string[] = [];
  const names = ["save", "beginPath", "rect", "clip", "setLineDash", "moveTo", "lineTo", "stroke", "restore"];
  const ctx = Object.fromEntries(names.map((name) => [name, (...given: unknown[]) => void done.push([name, ...given.flat()].join(" "))]));
  const box = { left: 0, top: 0, width: 10, height: 10 };
  const column = [1, undefined, 2, null, undefined, 3, 4];
  drawLine(ctx as unknown as CanvasRenderingContext2D, box, 2, { color: "red", width: 1.5, alpha: 1, dash: [6, 3] }, [0, 1, 2, 3, 4, 5, 6], column, (x) => x, (y) => -y);
  expect(done.slice(-8)).toEqual(["setLineDash 12 6", "beginPath", "moveTo 0 -1", "lineTo 2 -2", "moveTo 5 -3", "lineTo 6 -4", "stroke", "restore"]);
  expect(done[0]).toBe("save");
  expect(ctx).toMatchObject({ lineWidth: 3, strokeStyle: "red", globalAlpha: 1 });
});
