import { useEffect, useLayoutEffect, useState } from "preact/hooks";

/** Drawing takes at most about one part in so many of the time: the browser may share its cores with a training. */
const SHARE = 10;
const LONGEST_PAUSE_MS = 150;

/**
 * Tells views that something changed: once a frame at most, less often when drawing is dear, and slowly where nobody
 * looks. What comes after a silence is told at once.
 */
export class Topics<Topic extends string> {
  #listeners = new Map<Topic, Set<() => void>>();
  #dirty = new Set<Topic>();
  #scheduled = false;
  #spent = 0;
  #next = 0;

  /** Note what drawing has cost, in milliseconds. */
  spent(ms: number): void {
    this.#spent += ms;
  }

  listen(topic: Topic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  changed(topic: Topic): void {
    this.#dirty.add(topic);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A hidden tab gets no animation frames, but its title is still read.
    const pause = document.hidden ? 500 : this.#next - performance.now();
    if (pause > 0) setTimeout(() => (document.hidden ? this.#flush() : this.#onFrame()), pause);
    else this.#onFrame();
  }

  // A tab that is hidden meanwhile gets no frame: then the timer tells.
  #onFrame(): void {
    const tell = (): void => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      this.#flush();
    };
    const frame = requestAnimationFrame(tell);
    const timer = setTimeout(tell, 1000);
  }

  #flush(): void {
    this.#scheduled = false;
    this.#next = performance.now() + Math.min(LONGEST_PAUSE_MS, SHARE * this.#spent);
    this.#spent = 0;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const topic of dirty) for (const listener of this.#listeners.get(topic) ?? []) listener();
  }
}

/** Draw the component anew whenever one of `topics` changed. */
export function useTopics<Topic extends string>(source: Topics<Topic>, ...topics: Topic[]): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    const stops = topics.map((topic) => source.listen(topic, () => redraw((n) => n + 1)));
    redraw((n) => n + 1);
    return () => stops.forEach((stop) => stop());
  }, [source, topics.join()]);
}

/** Tell what drawing a component costs, from where this is called to when it stands in the page. */
export function useSpent(source: { spent(ms: number): void }): void {
  const began = performance.now();
  useLayoutEffect(() => source.spent(performance.now() - began));
}

/** Draw the component anew every `ms`, for what depends on the clock alone. */
export function useClock(ms: number, running = true): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => redraw((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms, running]);
}
