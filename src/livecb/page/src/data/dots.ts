import type { Cell } from "./lines";

const MOST_DOTS = 80;

/** The rows of a column that stand as rings: all where they are wanted and have room, else those alone between gaps, which are no line. */
export function dotsOf(column: readonly Cell[], wanted: boolean): number[] {
  const all: number[] = [];
  const alone: number[] = [];
  let gapBefore = true;
  let last = -1;
  for (let i = 0; i < column.length; i++) {
    const y = column[i];
    if (y === undefined) continue;
    if (y === null) {
      if (gapBefore && last >= 0) alone.push(last);
      gapBefore = true;
      last = -1;
      continue;
    }
    if (last >= 0) gapBefore = false;
    last = i;
    all.push(i);
  }
  if (gapBefore && last >= 0) alone.push(last);
  return wanted && all.length <= MOST_DOTS ? all : alone;
}
