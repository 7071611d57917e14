/** Numbers in a typed array that grows by doubling: appending is amortised constant. */
export class Column {
  #data: Float64Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#data = new Float64Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const grown = new Float64Array(this.#data.length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.#length++] = value;
  }

  /** The value at `index`; NaN outside. */
  at(index: number): number {
    return index >= 0 && index < this.#length ? (this.#data[index] as number) : NaN;
  }

  set(index: number, value: number): void {
    if (index < this.#length) this.#data[index] = value;
  }

  /** A view of what is there: valid until the next change. */
  view(): Float64Array {
    return this.#data.subarray(0, this.#length);
  }

  /** Keep only the values at `indices`, in that order. */
  keep(indices: ArrayLike<number>): void {
    const kept = new Float64Array(Math.max(64, indices.length * 2));
    for (let i = 0; i < indices.length; i++) kept[i] = this.#data[indices[i] as number] as number;
    this.#data = kept;
    this.#length = indices.length;
  }
}
