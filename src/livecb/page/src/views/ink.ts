import type { Cell } from "../data/lines";
import type { Palette } from "./palette";

/** What stands at a point: a diamond where it was best, a wedge where it was smallest or largest. */
export type Shape = "best" | "low" | "high";

const SHAPES: Record<Shape, [number, number][]> = {
  best: [[0, -1], [1, 0], [0, 1], [-1, 0]],
  low: [[0, 0.2], [1, 1.8], [-1, 1.8]],
  high: [[0, -0.2], [1, -1.8], [-1, -1.8]],
};
const RADIUS = 4;

/** Draw a shape; `unit` is a CSS pixel. */
export function drawShape(ctx: CanvasRenderingContext2D, left: number, top: number, unit: number, shape: Shape, color: string, fill: string): void {
  ctx.beginPath();
  for (const [x, y] of SHAPES[shape]) ctx.lineTo(left + x * RADIUS * unit, top + y * RADIUS * unit);
  ctx.closePath();
  ctx.fillStyle = fill;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.4 * unit;
  ctx.fill();
  ctx.stroke();
}

/** Where the middle of words stands that are to be at `x`, so that none of them is cut off on either side. */
export function within(x: number, half: number, from: number, to: number): number {
  return Math.max(from + half, Math.min(to - half, x));
}

interface Stroke {
  color: string;
  width: number;
  alpha: number;
  dash?: number[];
}

/** Draw a line through the points that a column has: null is a gap, undefined none of this line's rows. */
export function drawLine(
  ctx: CanvasRenderingContext2D, box: { left: number; top: number; width: number; height: number }, unit: number, { color, width, alpha, dash = [] }: Stroke,
  x: readonly number[], column: readonly Cell[], left: (x: number) => number, top: (y: number) => number,
): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top - unit, box.width, box.height + 2 * unit);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.globalAlpha = alpha;
  ctx.lineWidth = width * unit;
  ctx.lineJoin = "round";
  ctx.setLineDash(dash.map((length) => length * unit));
  ctx.beginPath();
  let down = false;
  for (let i = 0; i < column.length; i++) {
    const y = column[i];
    if (y === undefined) continue;
    if (y !== null) {
      const [at, high] = [left(x[i] as number), top(y)];
      if (down) ctx.lineTo(at, high);
      else ctx.moveTo(at, high);
    }
    down = y !== null;
  }
  ctx.stroke();
  ctx.restore();
}

interface Across {
  x: number;
  /** Where the middle of the words stands. */
  middle: number;
  top: number;
  height: number;
  unit: number;
}

/** Draw a dashed line across a chart, with words above it. */
export function drawAcross(
  ctx: CanvasRenderingContext2D, { x, middle, top, height, unit }: Across, label: string, colors: Palette,
): void {
  ctx.beginPath();
  ctx.strokeStyle = colors.edge;
  ctx.lineWidth = unit;
  ctx.setLineDash([3 * unit, 3 * unit]);
  ctx.moveTo(x + 0.5, top);
  ctx.lineTo(x + 0.5, top + height);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.fillStyle = colors.faint;
  ctx.font = `${Math.round(10 * unit)}px ${colors.font}`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "center";
  ctx.fillText(label, middle, top - 1);
}
