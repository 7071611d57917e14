/**
 * Choose at most about `target` of the points `from`..`to` (exclusive): of every bucket its first, smallest,
 * largest and last, and the first that is no number. Extremes and gaps are never thinned away.
 */
export function thin(y: ArrayLike<number>, target: number, from = 0, to = y.length): number[] {
  const kept: number[] = [];
  const total = to - from;
  if (total <= target) {
    for (let i = from; i < to; i++) kept.push(i);
    return kept;
  }
  const buckets = Math.max(1, Math.floor(target / 4));
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = from + Math.floor((bucket * total) / buckets);
    const end = from + Math.floor(((bucket + 1) * total) / buckets);
    if (end > start) keepOfBucket(y, start, end, kept);
  }
  return kept;
}

function keepOfBucket(y: ArrayLike<number>, start: number, end: number, kept: number[]): void {
  let low = -1;
  let high = -1;
  let hole = -1;
  for (let i = start; i < end; i++) {
    const value = y[i] as number;
    if (Number.isNaN(value)) {
      if (hole < 0) hole = i;
      continue;
    }
    if (low < 0 || value < (y[low] as number)) low = i;
    if (high < 0 || value > (y[high] as number)) high = i;
  }
  const chosen = [start, low, high, hole, end - 1].filter((index) => index >= 0).sort((a, b) => a - b);
  let last = -1;
  for (const index of chosen) {
    if (index !== last) kept.push(index);
    last = index;
  }
}
