import type { Link } from "../../client/link";
import type { Message } from "../../client/sse";
import type { Said, Wish } from "./wire";

/** One who follows a run, or the list of runs, somewhere in the browser. */
export class Reader {
  /** All up to here was told. */
  cursor: string;
  gone = false;
  #told: Link | null = null;

  constructor(readonly id: number, readonly wish: Wish, private readonly say: (said: Said) => void) {
    this.cursor = wish.cursor;
  }

  take(messages: Message[], cursor: string): void {
    if (this.gone || (messages.length === 0 && cursor === this.cursor)) return;
    this.cursor = cursor;
    this.say({ kind: "news", id: this.id, messages, cursor });
  }

  /** Tell how it stands with the server, if that is news: a stream that is opened anew for others is none. */
  link(link: Link): void {
    const told = this.#told;
    if (this.gone || (link.kind === "connecting" && told)) return;
    if (told?.kind === link.kind && (link.kind === "live" || link.kind === "polling")) return;
    if (link.kind === "reconnecting" && told?.kind === "reconnecting") link = { ...link, since: told.since };
    this.#told = link;
    this.say({ kind: "link", id: this.id, link });
  }
}
