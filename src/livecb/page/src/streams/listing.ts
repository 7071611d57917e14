import { Api } from "../../client/api";
import { Backoff } from "../../client/backoff";
import { Follower } from "../../client/follow";
import { getJson } from "../../client/http";
import type { Link, Via } from "../../client/link";
import type { Message } from "../../client/sse";
import { inTime } from "./patience";
import { pause } from "./pause";
import type { Reader } from "./reader";

/** Between two looks at the list where it cannot be pushed. */
const LOOK_MS = 2_000;
/** What no run is called: a list of none. */
const NO_RUN = "no run is called so";

/** The list of runs, followed over one connection. `list` is all of it, `runs` what changed, `gone` what is no more. */
export class Listing {
  #readers = new Set<Reader>();
  #joining = new Set<Message[]>();
  #follower: Follower | null = null;
  #link: Link | null = null;
  readonly #api: Api;

  constructor(base: string, private readonly query: Record<string, string | number>, private readonly ways: readonly Via[]) {
    this.#api = new Api(base);
  }

  add(reader: Reader): void {
    if (this.#follower) {
      void this.#join(reader);
      return;
    }
    this.#readers.add(reader);
    this.#follower = this.#newFollower();
    void this.#follower.run();
  }

  /** `reader` is gone. */
  remove(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0 || this.#joining.size > 0) return;
    this.#follower?.stop();
    this.#follower = null;
  }

  retryNow(): void {
    this.#follower?.retryNow();
  }

  rouse(silentMs: number): void {
    this.#follower?.rouse(silentMs);
  }

  #newFollower(): Follower {
    let first = true;
    return new Follower("0", {
      stream: () => this.#api.runs(this.query),
      quiet: () => this.#api.runs({ search: NO_RUN }),
      poll: null,
      ask: async (_cursor, wait, signal) => {
        if (wait > 0) await pause(LOOK_MS, signal);
        return [{ event: "list", data: JSON.stringify(await getJson(this.#api.runs(this.query), { signal })), id: null }];
      },
      ways: this.ways,
      onMessage: (message) => {
        // The first answer of a connection is the whole list; what follows are changes.
        const whole = first && message.event === "runs";
        if (whole) first = false;
        if (["list", "runs", "gone"].includes(message.event)) this.#tell(whole ? { ...message, event: "list" } : message);
      },
      onLink: (link) => {
        if (link.kind !== "connecting") first = true;
        this.#link = link;
        for (const reader of this.#readers) reader.link(link);
      },
    });
  }

  #tell(message: Message): void {
    for (const reader of this.#readers) reader.take([message], reader.cursor);
    for (const held of this.#joining) held.push(message);
  }

  async #join(reader: Reader): Promise<void> {
    const backoff = new Backoff();
    let tries = 0;
    const held: Message[] = [];
    this.#joining.add(held);
    while (!reader.gone) {
      try {
        const list = { event: "list", data: JSON.stringify(await getJson(this.#api.runs(this.query), inTime(++tries))), id: null };
        if (this.#link) reader.link(this.#link);
        reader.take([list, ...held], reader.cursor);
        this.#readers.add(reader);
        break;
      } catch {
        if (this.#link) reader.link(this.#link);
        await pause(backoff.next());
      }
    }
    this.#joining.delete(held);
    if (reader.gone) this.remove(reader);
  }
}
