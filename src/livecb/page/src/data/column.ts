/**
 * Numbers in a typed array that grows by doubling: appending is amortised constant. While all are the same number, or none
 * is known, they take no room: of a curve's axes most are like that.
 */
export class Column {
  #data: Float64Array | null = null;
  #same = NaN;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Bytes that the numbers take. */
  get nbytes(): number {
    return this.#data?.byteLength ?? 0;
  }

  push(value: number): void {
    if (this.#data === null) {
      if (this.#length === 0) this.#same = value;
      if (Object.is(value, this.#same)) {
        this.#length++;
        return;
      }
      this.#data = this.#spread(2 * this.#length);
    }
    if (this.#length === this.#data.length) {
      const grown = new Float64Array(this.#data.length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.#length++] = value;
  }

  /** The value at `index`; NaN outside. */
  at(index: number): number {
    if (!(index >= 0 && index < this.#length)) return NaN;
    return this.#data === null ? this.#same : (this.#data[index] as number);
  }

  set(index: number, value: number): void {
    if (index >= this.#length || (this.#data === null && Object.is(value, this.#same))) return;
    this.#data ??= this.#spread(this.#length);
    this.#data[index] = value;
  }

  /** A view of what is there: valid until the next change. */
  view(): Float64Array {
    return this.#data?.subarray(0, this.#length) ?? new Float64Array(this.#length).fill(this.#same);
  }

  /** Keep only the values at `indices`, in that order. */
  keep(indices: ArrayLike<number>): void {
    if (this.#data !== null) {
      const kept = new Float64Array(Math.max(64, indices.length * 2));
      for (let i = 0; i < indices.length; i++) kept[i] = this.#data[indices[i] as number] as number;
      this.#data = kept;
    }
    this.#length = indices.length;
  }

  #spread(capacity: number): Float64Array {
    return new Float64Array(Math.max(64, capacity)).fill(this.#same, 0, this.#length);
  }
}
