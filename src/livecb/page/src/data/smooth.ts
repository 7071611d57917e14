/**
 * Exponential moving average with `weight` (0 = raw, towards 1 = smoother), debiased: the first values are not
 * pulled towards zero. What is not finite stays as it is and does not enter the average. Written to `out`, if given.
 */
export function smooth(values: ArrayLike<number>, weight: number, out = new Float64Array(values.length)): Float64Array {
  let average = 0;
  let remaining = 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) {
      out[i] = value;
      continue;
    }
    remaining *= weight;
    // By what it differs: so a line that stands still stays exactly as it is.
    average += ((value - average) * (1 - weight)) / (1 - remaining);
    out[i] = average;
  }
  return out;
}

/** Points that it takes for each one that is averaged over. */
const POINTS_EACH = 50;

/**
 * The weight that a curve of so many points bears: it averages over no more than a fiftieth of them, so that the end
 * of the line stays where the values are. A short curve is not smoothed at all.
 */
export function bearable(weight: number, points: number): number {
  return Math.min(weight, Math.max(0, 1 - POINTS_EACH / points));
}
