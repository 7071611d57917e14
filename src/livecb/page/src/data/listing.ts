/** What tells events apart, and which came first. */
interface Said {
  rank?: number;
  seq: number;
  time: number;
}

interface Kept<E> {
  event: E;
  /** When it came, if it came while somebody looked. */
  since: number;
}

/** So many are kept at most: older ones can be asked for again. */
const MOST = 10_000;
/** How long what came is shown as new. */
const NEW_MS = 4_000;

/**
 * Events of a kind by their place, counted from the oldest: those that were asked for, page by page, and those
 * that came since. What is between may be missing.
 */
export class Listing<E extends Said> {
  /** How many there are. Null until the server said so. */
  count: number | null = null;
  #kept = new Map<number, Kept<E>>();

  at(place: number): E | undefined {
    return this.#kept.get(place)?.event;
  }

  isNew(place: number, now = performance.now()): boolean {
    return now - (this.#kept.get(place)?.since ?? -Infinity) < NEW_MS;
  }

  /** Take in a page: `events` are those before place `before`, the newest first; `newest` if there are no later ones. */
  load(events: readonly E[], before: number, newest: boolean, now = performance.now()): void {
    const known = this.count;
    if (newest) {
      for (let place = before; place < (known ?? 0); place++) this.#kept.delete(place);
      this.count = before;
    }
    events.forEach((event, i) => {
      const place = before - 1 - i;
      const since = this.#kept.get(place)?.since ?? (known !== null && place >= known ? now : -Infinity);
      this.#kept.set(place, { event, since });
    });
  }

  /** Put one that just came in its place, unless a page brought it already. */
  add(event: E, now = performance.now()): void {
    if (this.count === null || this.#knows(event)) return;
    this.#kept.set(this.count++, { event, since: now });
    if (this.#kept.size > MOST) this.#forget(this.count - MOST / 2);
  }

  /** The first place that is missing going back from `from`, -1 if none is. */
  gapBefore(from: number): number {
    let place = from - 1;
    while (place >= 0 && this.#kept.has(place)) place--;
    return place;
  }

  #forget(before: number): void {
    for (const place of this.#kept.keys()) if (place < before) this.#kept.delete(place);
  }

  #knows(event: E): boolean {
    const newest = this.at((this.count ?? 0) - 1);
    if (!newest || (newest.rank ?? 0) !== (event.rank ?? 0)) return false;
    return event.time <= newest.time && event.seq <= newest.seq;
  }
}
