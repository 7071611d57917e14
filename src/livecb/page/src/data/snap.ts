/**
 * Put places onto the middles of `cells` equal parts of a range, in order as they are. Lines that are many then share their
 * rows: of fifty lines with places of their own a chart would hold fifty times the rows, nearly all of them empty. A part
 * as wide as a pixel moves a point by half a pixel at most; its value stays.
 */
export function snapped(x: readonly number[], [from, to]: readonly [number, number], cells: number): number[] {
  const wide = (to - from) / cells;
  if (!(wide > 0) || !Number.isFinite(wide)) return [...x];
  return x.map((at) => from + (Math.floor((at - from) / wide) + 0.5) * wide);
}
