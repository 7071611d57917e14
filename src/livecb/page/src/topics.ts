import { useEffect, useState } from "preact/hooks";

/** Tells views that something changed: once a frame at most, and slowly where nobody looks. */
export class Topics<Topic extends string> {
  #listeners = new Map<Topic, Set<() => void>>();
  #dirty = new Set<Topic>();
  #scheduled = false;

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
    if (document.hidden) setTimeout(() => this.#flush(), 500);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
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

/** Draw the component anew every `ms`, for what depends on the clock alone. */
export function useClock(ms: number, running = true): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => redraw((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms, running]);
}
