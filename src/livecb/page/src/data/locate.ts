import type { Mark } from "./marks";
import { placeOn, type PlaceName, type Series, type XAxis } from "./series";

/** Tells where marks stand on an axis that they do not name: by where the run was then. */
export class Locator {
  #known = new WeakMap<Mark, Partial<Record<PlaceName, number>>>();
  #curve: Series | null = null;

  /** Go by the curve that knows most places. */
  goBy(curves: Iterable<Series>): void {
    this.#curve = null;
    for (const curve of curves) if (curve.count > (this.#curve?.count ?? 0)) this.#curve = curve;
  }

  /** Where a mark stands; null where nobody knows. */
  place(mark: Mark, over: XAxis): number | null {
    const { event } = mark;
    const axis = placeOn(over);
    // A reader's note on a step was written at some time, but is about that step.
    const about = event.type === "note" && event.seq < 0 && (event.step != null || event.epoch != null);
    if (!(about && axis === "time")) {
      const said = axis === "time" ? event.time : event[axis];
      if (said != null) return said;
    }
    const known = this.#known.get(mark)?.[axis];
    if (known !== undefined) return known;
    const found = this.#find(mark, axis);
    if (found !== null) this.#known.set(mark, { ...this.#known.get(mark), [axis]: found });
    return found;
  }

  #find({ event }: Mark, axis: PlaceName): number | null {
    const curve = this.#curve;
    if (!curve || curve.length === 0) return null;
    for (const by of ["step", "epoch", "batch"] as const) {
      const said = event[by];
      if (said != null) return axis === by ? said : at(curve, lastAtMost(curve, by, said), axis);
    }
    // What is on the run as a whole has a time, and no place.
    if (event.type === "note" && event.seq < 0) return null;
    return at(curve, lastAtMost(curve, "time", event.time), axis);
  }
}

/** The last point that counts and stands there or before; -1 while the run has not been there. */
function lastAtMost(curve: Series, axis: XAxis, place: number): number {
  if (curve.extent(axis)[1] < place && axis !== "time") return -1;
  for (let i = curve.length - 1; i >= 0; i--) {
    if (!curve.abandoned.at(i) && curve.x(axis, i) <= place) return i;
  }
  return -1;
}

function at(curve: Series, index: number, axis: XAxis): number | null {
  if (index < 0) return null;
  const found = curve.x(axis, index);
  return Number.isNaN(found) ? null : found;
}
