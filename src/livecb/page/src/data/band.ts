/** What several processes measured of one quantity: their mean, and between which values they lie. */
export interface Band {
  x: number[];
  mean: number[];
  low: number[];
  high: number[];
}

/** Join lines of points over x, each sorted: of every piece of the axis the mean, the smallest and the largest value. */
export function bandOf(lines: readonly { x: readonly number[]; y: readonly number[] }[], pieces: number): Band {
  const all = lines.flatMap(({ x, y }) => x.map((at, i) => [at, y[i] as number] as const)).filter(([, y]) => Number.isFinite(y));
  all.sort(([a], [b]) => a - b);
  const band: Band = { x: [], mean: [], low: [], high: [] };
  if (all.length === 0) return band;
  const [first, last] = [(all[0] as readonly number[])[0] as number, (all.at(-1) as readonly number[])[0] as number];
  const width = (last - first) / pieces;
  // Where few points stand they are joined only at the same place; else the ranks of thinned curves hardly meet.
  const places = new Set(all.map(([x]) => x)).size;
  const pieceOf = (x: number): number => (places <= pieces || width === 0 ? x : Math.floor((x - first) / width));
  for (let from = 0; from < all.length; ) {
    const piece = pieceOf((all[from] as readonly number[])[0] as number);
    let [to, sum, low, high] = [from, 0, Infinity, -Infinity];
    for (; to < all.length && pieceOf((all[to] as readonly number[])[0] as number) === piece; to++) {
      const y = (all[to] as readonly number[])[1] as number;
      sum += y;
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
    band.x.push((all[to - 1] as readonly number[])[0] as number);
    band.mean.push(sum / (to - from));
    band.low.push(low);
    band.high.push(high);
    from = to;
  }
  return band;
}

const RANK = /@\d+$/;

/** The metrics that stand for all ranks, each with those of all of them: `loss` for `loss` and `loss@1`. */
export function byRank(metrics: readonly string[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const metric of metrics) {
    const name = metric.replace(RANK, "");
    names.set(name, [...(names.get(name) ?? []), metric]);
  }
  return new Map([...names.values()].map((same) => [same[0] as string, same]));
}
