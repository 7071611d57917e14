import type { Emptied, Trashed, TrashPage } from "./generated/answers.js";
import type { Asking } from "./http.js";

/** The deleted runs of a server: `client.trash`; `client.restore` brings one back. */
export class Trash {
  readonly #root: string;

  constructor(base: string, private readonly json: <T>(address: string, asking?: Asking) => Promise<T>) {
    this.#root = `${base}api/trash`;
  }

  /** Those that can be brought back. */
  async list(): Promise<Trashed[]> {
    return (await this.json<TrashPage>(this.#root)).runs;
  }

  /** Remove one for good. */
  async remove(run: string): Promise<void> {
    await this.json(`${this.#root}/${encodeURIComponent(run)}`, { method: "DELETE" });
  }

  /** Remove all for good; says how many. */
  async empty(): Promise<number> {
    return (await this.json<Emptied>(this.#root, { method: "DELETE" })).removed;
  }
}
