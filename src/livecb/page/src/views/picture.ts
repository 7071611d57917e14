import type { LineSpec } from "../data/charts";
import { palette } from "./palette";

const EDGE = 14;
const TITLE = 22;
const LEGEND = 18;
const AXIS = 18;
const SWATCH = 18;

/** A chart as a picture to show elsewhere: its title, what its lines and its axis are, and its canvas, as the page's colours have it. */
export function pictureOf(canvas: HTMLCanvasElement | null, title: string, lines: readonly LineSpec[], axis: string): Promise<Blob> {
  if (!canvas) return Promise.reject(new Error("the chart is not drawn yet"));
  const colors = palette();
  const unit = canvas.width / (canvas.clientWidth || canvas.width);
  const out = document.createElement("canvas");
  const width = canvas.width / unit;
  const height = canvas.height / unit;
  const ctx = out.getContext("2d") as CanvasRenderingContext2D;
  ctx.font = `12px ${colors.font}`;
  const rows = legendRows(ctx, lines, width);
  const top = EDGE + TITLE + rows.length * LEGEND;
  out.width = Math.round((width + 2 * EDGE) * unit);
  out.height = Math.round((top + height + AXIS + EDGE) * unit);
  ctx.scale(unit, unit);
  ctx.fillStyle = colors.surface;
  ctx.fillRect(0, 0, out.width, out.height);
  ctx.textBaseline = "middle";
  ctx.fillStyle = colors.ink;
  ctx.font = `600 14px ${colors.font}`;
  ctx.fillText(title, EDGE, EDGE + 8, width);
  ctx.font = `12px ${colors.font}`;
  rows.forEach((row, at) => drawLegend(ctx, row, EDGE + TITLE + at * LEGEND + 6, colors.series, colors.soft));
  ctx.drawImage(canvas, EDGE, top, width, height);
  ctx.fillStyle = colors.soft;
  ctx.textAlign = "center";
  ctx.fillText(axis, EDGE + width / 2, top + height + AXIS / 2);
  return new Promise((resolve, reject) => out.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no picture")))));
}

interface Placed {
  line: LineSpec;
  x: number;
}

function legendRows(ctx: CanvasRenderingContext2D, lines: readonly LineSpec[], width: number): Placed[][] {
  const rows: Placed[][] = [[]];
  let x = 0;
  for (const line of lines) {
    const room = SWATCH + 8 + ctx.measureText(line.metric).width + 14;
    if (x > 0 && x + room > width) {
      rows.push([]);
      x = 0;
    }
    (rows.at(-1) as Placed[]).push({ line, x });
    x += room;
  }
  return rows;
}

function drawLegend(ctx: CanvasRenderingContext2D, row: readonly Placed[], y: number, colors: readonly string[], words: string): void {
  for (const { line, x } of row) {
    ctx.strokeStyle = colors[line.color] as string;
    ctx.lineWidth = 2;
    ctx.setLineDash(line.dash === 0 ? [] : line.dash === 2 ? [2, 3] : [5, 3]);
    ctx.beginPath();
    ctx.moveTo(EDGE + x, y);
    ctx.lineTo(EDGE + x + SWATCH, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = words;
    ctx.fillText(line.metric, EDGE + x + SWATCH + 8, y);
  }
}
