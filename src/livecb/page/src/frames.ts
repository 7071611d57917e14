/** Milliseconds of each frame that drawing charts may take: the rest of its 16 is for who scrolls and types. */
const BUDGET_MS = 10;

interface Drawing {
  draw(): void;
  alone: boolean;
}

/**
 * Draws what is asked for, as much of it as a frame has time for: each thing once, however often it was asked for
 * meanwhile, and as it was asked for last. What there is time for is drawn at once.
 */
export class Frames {
  #wanted = new Map<object, Drawing>();
  #spent = 0;
  #scheduled = false;

  /** @param alone Whether the browser takes long to paint what is drawn: it is the last of its frame. */
  ask(who: object, draw: () => void, alone = false): void {
    if (this.#spent < BUDGET_MS && this.#wanted.size === 0) this.#draw({ draw, alone });
    else this.#wanted.set(who, { draw, alone });
    this.#schedule();
  }

  /** It is not to be drawn any more. */
  drop(who: object): void {
    this.#wanted.delete(who);
  }

  #draw({ draw, alone }: Drawing): void {
    const began = performance.now();
    draw();
    this.#spent += alone ? BUDGET_MS : performance.now() - began;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#spent = 0;
      for (const [who, drawing] of this.#wanted) {
        if (this.#spent >= BUDGET_MS) break;
        this.#wanted.delete(who);
        this.#draw(drawing);
      }
      if (this.#wanted.size > 0 || this.#spent > 0) this.#schedule();
    });
  }
}

/** The frames of this page. */
export const frames = new Frames();
