import { Api, type RunRow } from "./client/api";
import { Follower } from "./client/follow";
import type { Link } from "./client/link";
import type { Message } from "./client/sse";
import { Topics } from "./topics";

/** The list of runs, newest first, kept up to date by the server. */
export class RunsSession {
  readonly topics = new Topics<"runs" | "link">();
  rows: RunRow[] = [];
  loaded = false;
  link: Link = { kind: "connecting", since: Date.now() };
  #skew = 0;
  #fresh = true;
  #follower: Follower;

  constructor(base: string) {
    const api = new Api(base);
    this.#follower = new Follower("0", {
      stream: () => api.runs(),
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
    void this.#follower.run();
  }

  stop(): void {
    this.#follower.stop();
  }

  retryNow(): void {
    this.#follower.retryNow();
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
    this.topics.changed("runs");
  }
}

/** Put changed rows in the place of the old ones; new runs come first. */
export function merge(rows: readonly RunRow[], changed: readonly RunRow[]): RunRow[] {
  const byId = new Map(changed.map((row) => [row.run, row]));
  const known = rows.map((row) => byId.get(row.run) ?? row);
  const seen = new Set(rows.map((row) => row.run));
  return [...changed.filter((row) => !seen.has(row.run)), ...known];
}
