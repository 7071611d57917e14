/**
 * Exponential moving average with `weight` (0 = raw, towards 1 = smoother), debiased: the first values are not
 * pulled towards zero. What is not finite stays as it is and does not enter the average.
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let average = 0;
  let remaining = 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) {
      out[i] = value;
      continue;
    }
    average = average * weight + value * (1 - weight);
    remaining *= weight;
    out[i] = average / (1 - remaining);
  }
  return out;
}
