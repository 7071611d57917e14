import type { Baseline } from "./api.js";
import type { Asking } from "./http.js";

/** The baselines of a server: `client.baselines`. */
export class Baselines {
  readonly #root: string;

  constructor(base: string, private readonly json: <T>(address: string, asking?: Asking) => Promise<T>) {
    this.#root = `${base}api/baselines`;
  }

  /** All of them. */
  async list(): Promise<Baseline[]> {
    return (await this.json<{ baselines: Baseline[] }>(this.#root)).baselines;
  }

  /** One. */
  get(name: string): Promise<Baseline> {
    return this.json(this.#one(name));
  }

  /** Keep what a run has reached. Raises `ApiError` where there is one of this name (409). */
  create(name: string, run: string, description = ""): Promise<Baseline> {
    return this.json(this.#root, { method: "POST", body: { name, run, description } });
  }

  /** Take one anew, of what a run has reached now, or describe it. */
  update(name: string, change: { run?: string; description?: string }): Promise<Baseline> {
    return this.json(this.#one(name), { method: "PATCH", body: change });
  }

  /** Forget one. */
  async delete(name: string): Promise<void> {
    await this.json(this.#one(name), { method: "DELETE" });
  }

  #one(name: string): string {
    return `${this.#root}/${encodeURIComponent(name)}`;
  }
}
