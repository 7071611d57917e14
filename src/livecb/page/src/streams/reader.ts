import type { Link } from "../../client/link";
import type { Message } from "../../client/sse";
import { furthest, knownOf } from "./cursors";
import type { Said, Wish } from "./wire";

/** What a stream said of a run between two places. An event without a place is one of those up to the next place. */
export interface Batch {
  before: string;
  messages: Message[];
  after: string;
}

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

  /**
   * Take of what a stream said that which was not told yet: whoever is ahead of the stream lets it come. False where
   * nobody can tell what that is: it is told up to there, and must ask for the rest.
   */
  hear({ before, messages, after }: Batch): boolean {
    if (this.cursor === before) {
      this.take(messages, after);
      return true;
    }
    let [known, at] = [this.cursor, before];
    let stretch: Message[] = [];
    const news: Message[] = [];
    for (const message of messages) {
      if (message.event !== "") news.push(message);
      if (message.event === "reset") known = at = "0";
      if (message.event !== "") continue;
      stretch.push(message);
      if (message.id === null) continue;
      const told = knownOf(known, at, message.id, stretch.length === 1);
      if (told === "some") {
        this.take(news, known);
        return false;
      }
      at = message.id;
      if (told === "none") {
        known = furthest(at, known);
        news.push(...stretch.slice(0, -1), { ...message, id: known });
      }
      stretch = [];
    }
    this.take(news, furthest(after, known));
    return true;
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
