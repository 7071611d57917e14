import { toNumber, type Num } from "../../client/number";

/** Histograms over time as a grid: a column each, of shares of the fullest bin, from the smallest value up. */
export interface Heat {
  low: number;
  high: number;
  columns: Float64Array[];
}

interface Said {
  counts: readonly number[];
  edges: readonly Num[];
}

/** Bring histograms, each with its own edges, onto the same bins between the smallest and the largest edge of all. */
export function heatOf(histograms: readonly Said[], bins: number): Heat | null {
  const all = histograms.map(({ counts, edges }) => ({ counts, edges: edges.map(toNumber) }));
  const finite = all.flatMap(({ edges }) => edges).filter(Number.isFinite);
  if (finite.length < 2) return null;
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const width = (high - low || 1) / bins;
  const columns = all.map(({ counts, edges }) => {
    const column = new Float64Array(bins);
    counts.forEach((count, at) => {
      const [from, to] = [edges[at] as number, edges[at + 1] as number];
      if (!(count > 0) || !Number.isFinite(from) || !Number.isFinite(to)) return;
      const span = to - from;
      const first = Math.min(bins - 1, Math.max(0, Math.floor((from - low) / width)));
      const last = Math.min(bins - 1, Math.max(first, Math.ceil((to - low) / width) - 1));
      for (let bin = first; bin <= last; bin++) {
        const part = span > 0 ? Math.min(to, low + (bin + 1) * width) - Math.max(from, low + bin * width) : 1;
        column[bin] = (column[bin] as number) + count * (span > 0 ? Math.max(0, part) / span : 1);
      }
    });
    const fullest = column.reduce((a, b) => Math.max(a, b), 0) || 1;
    return column.map((held) => held / fullest);
  });
  return { low, high, columns };
}
