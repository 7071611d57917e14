const FIRST = 250;
const LONGEST = 5_000;

/** How long to wait before the next try: doubling from 0.25 s to 5 s, with jitter so that many pages spread out. */
export class Backoff {
  #tries = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Milliseconds to wait now; `least` is what the server asked for. */
  next(least = 0): number {
    const full = Math.min(LONGEST, FIRST * 2 ** this.#tries++);
    return Math.min(LONGEST, Math.max(least, full * (0.5 + this.random() / 2)));
  }

  reset(): void {
    this.#tries = 0;
  }
}
