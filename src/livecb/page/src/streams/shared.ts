import { Group, MOST_RUNS } from "./group";
import { Listing } from "./listing";
import { Reader } from "./reader";
import type { Asked, Said, Ways, Wish } from "./wire";

/** So much may lie in a tab's letter box; one that is frozen, or gone without a word, is written to no more. */
const MOST_UNTAKEN = 16 << 20;
const MOST_LETTERS = 2_000;
const LOOK_MS = 5_000;
/** Who hears nothing for so long while heartbeats are due has slept. */
const SILENT_MS = 12_000;

type Query = Record<string, string | number>;

/** What is followed for all tabs of a browser, or for one: each run once, the list once, over as few connections as do. */
export class Shared {
  #groups = new Map<string, Group[]>();
  #listings = new Map<string, Listing>();
  #looked = Date.now();

  constructor(private readonly base: string, private readonly ways: Ways) {
    setInterval(() => this.#look(), LOOK_MS);
  }

  /** Let in a tab, which is answered through `post`; what it says is given to what is returned. */
  connect(post: (said: Said) => void): (asked: Asked) => void {
    const tab = new Tab(this, post);
    return (asked) => tab.hear(asked);
  }

  /** Follow for a reader until the returned function is called. */
  follow(reader: Reader): () => void {
    const { run, query } = reader.wish;
    const from = run === null ? this.#listing(query) : this.#group(run, query);
    if (from instanceof Listing) from.add(reader);
    else from.add(run as string, reader);
    return () => {
      reader.gone = true;
      from.remove(reader);
    };
  }

  retryNow(): void {
    for (const each of this.#all()) each.retryNow();
  }

  // Timers stand still while the computer sleeps.
  #look(): void {
    const slept = Date.now() - this.#looked > 2 * LOOK_MS;
    this.#looked = Date.now();
    if (slept) for (const each of this.#all()) each.rouse(SILENT_MS);
  }

  #all(): (Group | Listing)[] {
    return [...[...this.#groups.values()].flat(), ...this.#listings.values()];
  }

  #group(run: string, query: Query): Group {
    const key = JSON.stringify(query);
    const groups = this.#groups.get(key) ?? [];
    this.#groups.set(key, groups);
    let group = groups.find((each) => each.has(run)) ?? groups.find((each) => each.size < MOST_RUNS);
    if (!group) groups.push((group = new Group(this.base, query, this.ways.runs)));
    return group;
  }

  #listing(query: Query): Listing {
    const key = JSON.stringify(query);
    let listing = this.#listings.get(key);
    if (!listing) this.#listings.set(key, (listing = new Listing(this.base, query, this.ways.list)));
    return listing;
  }
}

/** One tab: its readers, and what it has not taken in yet. */
class Tab {
  #readers = new Map<number, { reader: Reader; stop: () => void }>();
  /** What was asked for while too much lay there: to be followed once it was taken. */
  #late = new Map<number, Wish>();
  #sizes: number[] = [];
  #untaken = 0;
  #behind = false;

  constructor(private readonly shared: Shared, private readonly post: (said: Said) => void) {}

  hear(asked: Asked): void {
    if (asked.kind === "follow") this.#follow(asked.id, asked.wish);
    else if (asked.kind === "stop") this.#stop(asked.id);
    else if (asked.kind === "taken") this.#taken();
    else if (asked.kind === "retry") this.shared.retryNow();
    else if (asked.kind === "ping") this.post({ kind: "pong" });
    else if (asked.kind === "bye") for (const id of [...this.#readers.keys(), ...this.#late.keys()]) this.#stop(id);
  }

  #follow(id: number, wish: Wish): void {
    if (this.#behind) {
      this.#late.set(id, wish);
      return;
    }
    const reader = new Reader(id, wish, (said) => this.#say(said));
    this.#readers.set(id, { reader, stop: this.shared.follow(reader) });
  }

  #stop(id: number): void {
    this.#readers.get(id)?.stop();
    this.#readers.delete(id);
    this.#late.delete(id);
  }

  #say(said: Said): void {
    if (said.kind === "news") {
      const size = said.messages.reduce((sum, { data }) => sum + data.length, 0);
      this.#sizes.push(size);
      this.#untaken += size;
    }
    this.post(said);
    if (this.#untaken > MOST_UNTAKEN || this.#sizes.length > MOST_LETTERS) this.#leaveBehind();
  }

  // A tab is a cursor, too: it goes on from there once it has read what lies there.
  #leaveBehind(): void {
    this.#behind = true;
    for (const [id, { reader, stop }] of this.#readers) {
      stop();
      this.#late.set(id, { ...reader.wish, cursor: reader.cursor });
    }
    this.#readers.clear();
  }

  #taken(): void {
    this.#untaken -= this.#sizes.shift() ?? 0;
    if (!this.#behind || this.#sizes.length > 0) return;
    this.#behind = false;
    const late = [...this.#late];
    this.#late.clear();
    for (const [id, wish] of late) this.#follow(id, wish);
  }
}
