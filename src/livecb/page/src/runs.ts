import { Api, type RunRow } from "../client/api";
import { Follower } from "../client/follow";
import type { Link } from "../client/link";
import type { Message } from "../client/sse";
import { restWhileHidden } from "./rest";
import { Topics } from "./topics";

/** The list as it was when somebody last looked at it: shown until the server answers, should it be away. */
const known = new Map<string, RunRow[]>();

/** The list of runs, newest first, kept up to date by the server. */
export class RunsSession {
  readonly topics = new Topics<"runs" | "link">();
  rows: RunRow[] = [];
  loaded = false;
  link: Link = { kind: "connecting", since: Date.now() };
  #skew = 0;
  #fresh = true;
  #follower: Follower;
  #stopResting = (): void => undefined;

  readonly #api: Api;

  constructor(private readonly base: string) {
    this.rows = known.get(base) ?? [];
    this.loaded = known.has(base);
    this.#api = new Api(base);
    this.#follower = this.#newFollower();
  }

  #newFollower(): Follower {
    return new Follower("0", {
      stream: () => this.#api.runs(),
      poll: null,
      onMessage: (message) => this.#onMessage(message),
      onLink: (link) => {
        this.link = link;
        if (link.kind !== "live") this.#fresh = true;
        this.topics.changed("link");
      },
    });
  }

  get now(): number {
    return Date.now() / 1000 + this.#skew;
  }

  start(): void {
    const wake = (): void => {
      this.#follower = this.#newFollower();
      void this.#follower.run();
    };
    this.#stopResting = restWhileHidden(() => this.#rest(), wake);
    void this.#follower.run();
  }

  stop(): void {
    this.#stopResting();
    this.#follower.stop();
  }

  retryNow(): void {
    this.#follower.retryNow();
  }

  #rest(): void {
    this.#follower.stop();
    this.link = { kind: "resting", since: Date.now() };
    this.topics.changed("link");
  }

  #onMessage(message: Message): void {
    if (message.event === "runs") {
      const { runs, now } = JSON.parse(message.data) as { runs: RunRow[]; now: number };
      this.#skew = now - Date.now() / 1000;
      // The first answer of a connection is the whole list; what follows are changes.
      this.rows = this.#fresh ? runs : merge(this.rows, runs);
      this.#fresh = false;
      this.loaded = true;
    } else if (message.event === "gone") {
      const { run } = JSON.parse(message.data) as { run: string };
      this.rows = this.rows.filter((row) => row.run !== run);
    } else {
      return;
    }
    known.set(this.base, this.rows);
    this.topics.changed("runs");
  }
}

/** Put changed rows in the place of the old ones, and those that began last first, as the server does. */
export function merge(rows: readonly RunRow[], changed: readonly RunRow[]): RunRow[] {
  const byId = new Map([...rows, ...changed].map((row) => [row.run, row]));
  return [...byId.values()].sort((a, b) => (b.started ?? 0) - (a.started ?? 0) || (a.run < b.run ? 1 : -1));
}
