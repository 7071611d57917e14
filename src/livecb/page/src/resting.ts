/** What is over lets its stream go: soon where it has been over for long, later where a last word may still come. */
const LET_GO_MS = 500;
const LAST_WORDS_MS = 5_000;
const LONG_S = 5;
const LOOK_MS = 15_000;

/** When a run that is over lets its stream go, and looks now and then whether it goes on. */
export class Resting {
  #letGo: ReturnType<typeof setTimeout> | undefined;
  #next: ReturnType<typeof setTimeout> | undefined;

  /** @param look Says whether the run still rests. */
  constructor(private readonly rest: () => void, private readonly look: () => Promise<boolean>) {}

  /** Let go after a while if it is over, and has said nothing for so many seconds; unless this is called again before. */
  see(isOver: boolean, quiet: number): void {
    clearTimeout(this.#letGo);
    if (isOver) this.#letGo = setTimeout(this.rest, quiet > LONG_S ? LET_GO_MS : LAST_WORDS_MS);
  }

  begin(): void {
    this.end();
    this.#next = setTimeout(() => void this.look().then((rests) => rests && this.begin()), LOOK_MS);
  }

  end(): void {
    clearTimeout(this.#next);
  }

  stop(): void {
    clearTimeout(this.#letGo);
    this.end();
  }
}
