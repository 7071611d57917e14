import type { Cell } from "../data/lines";
import type { XAxis } from "../data/series";
import type { Shape } from "./ink";

export interface PlotLine {
  /** Index into the palette. */
  color: number;
  width: number;
  alpha: number;
  dash?: number[];
  /** Each point as a ring. */
  dots: boolean;
  /** A dot at the end: here it is now. */
  end: boolean;
}

/** A line across the chart, from where on the training was another: an attempt began, a parameter was set. */
export interface Line {
  x: number;
  label: string;
}

/** Where the plotted part stands in its host, in CSS pixels, and which part of the axis it shows. */
export interface Frame {
  left: number;
  width: number;
  bottom: number;
  from: number;
  to: number;
}

export interface PlotModel {
  x: number[];
  columns: Cell[][];
  lines: PlotLine[];
  range: readonly [number, number];
  axis: XAxis;
  log: boolean;
  logX?: boolean;
  across: Line[];
  /** Areas between two columns. */
  bands?: { low: number; high: number; color: number }[];
  points?: PlotPoint[];
}

/** A point that stands out: the best value so far, or the smallest or the largest. */
export interface PlotPoint {
  x: number;
  y: number;
  color: number;
  kind: Shape;
}

/** The point under the cross-hair: its index per column, null where there is none. */
export type Hover = { x: number; indices: (number | null)[] } | null;
