/** A part of an axis. */
export type Part = readonly [number, number];

/** How much closer one look is than the last. */
const FACTOR = 2;
/** By how much of what is shown one goes on. */
const STRIDE = 0.5;
/** Nearer than that there is nothing between two points. */
const NEAREST = 1e-6;

/** A part half, or twice, as wide about the same middle; null is all there is. */
export function scaled([from, to]: Part, [low, high]: Part, closer: boolean): Part | null {
  const width = (to - from) * (closer ? 1 / FACTOR : FACTOR);
  if (width >= high - low) return null;
  if (width < (high - low) * NEAREST) return [from, to];
  return within((from + to - width) / 2, width, [low, high]);
}

/** The part before, or after, as wide as this one; it stays within all there is. */
export function moved([from, to]: Part, all: Part, by: -1 | 1): Part {
  return within(from + by * (to - from) * STRIDE, to - from, all);
}

function within(from: number, width: number, [low, high]: Part): Part {
  const start = Math.max(low, Math.min(from, high - width));
  return [start, start + width];
}
