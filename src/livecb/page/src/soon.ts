/** Does some work when it is wished for: at once after a pause, one at a time, and never more often than that. */
export class Soon {
  #busy = false;
  #again = false;

  constructor(private readonly work: () => Promise<unknown>, private readonly pauseMs: number) {}

  wish(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    // What fails is wished for again when more comes.
    void this.work().catch(() => undefined).then(() => setTimeout(() => this.#rested(), this.pauseMs));
  }

  #rested(): void {
    this.#busy = false;
    if (!this.#again) return;
    this.#again = false;
    this.wish();
  }
}
