import type { TokenMade, TokenPage, TokenRow } from "./generated/answers.js";
import type { Asking } from "./http.js";

/** What a token may, and for how long. */
export interface TokenOptions {
  /** `view` if left out. */
  role?: TokenRow["role"];
  /** Only for what belongs to this project, or only for this run. */
  project?: string;
  run?: string;
  /** How long it opens anything; for ever if left out. */
  seconds?: number;
  /** How many streams may be open with it at once, and how many requests a second it may make. */
  streams?: number;
  rate?: number;
}

/** The named tokens of a server: `client.tokens`. All of it needs the role `admin`. */
export class Tokens {
  readonly #root: string;

  constructor(base: string, private readonly json: <T>(address: string, asking?: Asking) => Promise<T>) {
    this.#root = `${base}api/tokens`;
  }

  /** All of them, without their secrets. */
  async list(): Promise<TokenRow[]> {
    return (await this.json<TokenPage>(this.#root)).tokens;
  }

  /** Make one; its `token` is told this once. Raises `ApiError` where there is one of this name (409). */
  create(name: string, options: TokenOptions = {}): Promise<TokenMade> {
    return this.json(this.#root, { method: "POST", body: { role: "view", ...options, name } });
  }

  /** Let one open nothing any more; what it has open ends. */
  async revoke(name: string): Promise<void> {
    await this.json(`${this.#root}/${encodeURIComponent(name)}`, { method: "DELETE" });
  }
}
