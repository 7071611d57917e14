import type { Api, ImagesAnswer, SamplesAnswer } from "../client/api";
import { getJson } from "../client/http";
import { Listing } from "./data/listing";
import { epochOf, isSameInput } from "./data/sample";
import type { Figure, Image, LivecbEvent, Sample } from "../client/generated/events";
import { Board } from "./board";
import { Kind } from "./kind";
import { OTHERS, Others } from "./others";

export type Picture = Image | Figure;

const PAGE = 50;
const STRIP_PAGE = 60;
/** So far back the answer to the same input is looked for. */
const EPOCHS_BACK = 3;
const EPOCHS_KEPT = 8;
const MOST_OF_EPOCH = 500;

/** The samples, pictures, candidates and other media of a run: asked for while somebody looks at them, joined with what comes. */
export class Media {
  readonly board: Board;
  readonly samples: Samples;
  readonly images: Images;
  readonly others: Others;

  constructor(api: Api, run: string, changed: () => void) {
    this.board = new Board((query) => api.part(run, "leaderboard", query), changed);
    this.others = new Others((query) => api.part(run, "media", query), (hash) => api.file(run, hash), changed);
    this.samples = new Samples((query) => api.samples(run, query), changed);
    this.images = new Images((query) => api.images(run, query), (hash) => api.file(run, hash), changed);
  }

  /** Take in what the stream brought. */
  onEvent(event: LivecbEvent): void {
    if (event.type === "sample") this.samples.onEvent(event);
    else if (event.type === "image" || event.type === "figure") this.images.onEvent(event);
    else if (event.type === "model_completed") this.board.wish();
  }

  /** The state says how many there are: what is not here yet is asked for. */
  onCounts(counts: Record<string, number>): void {
    this.samples.expect(counts.sample ?? 0);
    this.images.expect((counts.image ?? 0) + (counts.figure ?? 0));
    this.board.expect(counts.model_completed ?? 0);
    for (const type of OTHERS) this.others.expectOf(type, counts[type] ?? 0);
  }
}

/** The samples, of all epochs or of one. */
export class Samples extends Kind {
  epochs: SamplesAnswer["epochs"] = [];
  /** How the mean of each score went. */
  trends: SamplesAnswer["trends"] = {};
  listing = new Listing<Sample>();
  /** The epoch that was chosen; `none` for samples without one, null for all. */
  epoch: number | "none" | null = null;
  loading = false;
  readonly #ofEpochs = new Map<number, Promise<readonly Sample[]>>();

  constructor(
    private readonly address: (query: Record<string, string | number>) => string, private readonly changed: () => void,
  ) {
    super();
  }

  choose(epoch: number | "none" | null): void {
    this.epoch = epoch;
    this.listing = new Listing();
    void this.refresh().catch(() => this.wish());
  }

  onEvent(event: Sample): void {
    if (this.watchers === 0) return;
    if (this.epoch === null || this.epoch === (epochOf(event.epoch) ?? "none")) {
      this.listing.add(event);
      this.changed();
    }
    this.wish();
  }

  /** Load those before the first that is missing. */
  async older(): Promise<void> {
    if (this.loading || this.listing.count === null) return;
    this.loading = true;
    this.changed();
    try {
      await this.#ask({ before: this.listing.gapBefore(this.listing.count) + 1 });
    } catch {
      // The button stays: whoever wants them asks again.
    }
    this.loading = false;
    this.changed();
  }

  /** What came of the same input before: among those that are here, else in the epochs before. */
  async before(place: number): Promise<Sample | null> {
    const sample = this.listing.at(place) as Sample;
    for (let at = place - 1; at >= 0; at--) {
      const earlier = this.listing.at(at);
      if (earlier && isSameInput(earlier, sample)) return earlier;
    }
    const own = epochOf(sample.epoch);
    const epochs = this.epochs.flatMap(({ epoch }) => (epoch !== null && own !== null && epoch < own ? [epoch] : []));
    for (const epoch of epochs.sort((a, b) => b - a).slice(0, EPOCHS_BACK)) {
      const earlier = (await this.#ofEpoch(epoch)).find((each) => isSameInput(each, sample));
      if (earlier) return earlier;
    }
    return null;
  }

  protected async refresh(): Promise<void> {
    await this.#ask({});
  }

  #ofEpoch(epoch: number): Promise<readonly Sample[]> {
    const known = this.#ofEpochs.get(epoch);
    if (known) return known;
    if (this.#ofEpochs.size >= EPOCHS_KEPT) this.#ofEpochs.clear();
    const asked = getJson<SamplesAnswer>(this.address({ epoch, limit: MOST_OF_EPOCH })).then(({ samples }) => samples);
    this.#ofEpochs.set(epoch, asked);
    asked.catch(() => this.#ofEpochs.delete(epoch));
    return asked;
  }

  async #ask(query: Record<string, number>): Promise<void> {
    const { listing } = this;
    const chosen: Record<string, string | number> = this.epoch === null ? {} : { epoch: this.epoch };
    const answer = await getJson<SamplesAnswer>(this.address({ ...chosen, ...query, limit: PAGE }));
    if (listing !== this.listing) return;
    this.total = answer.total;
    this.epochs = answer.epochs;
    this.trends = answer.trends;
    listing.load(answer.samples, answer.before, !("before" in query));
    this.changed();
  }
}

/** The pictures, a strip for each name. */
export class Images extends Kind {
  names: ImagesAnswer["names"] = [];
  #strips = new Map<string, Listing<Picture>>();
  #asked = new Set<string>();

  constructor(
    private readonly address: (query: Record<string, string | number>) => string,
    readonly file: (hash: string) => string, private readonly changed: () => void,
  ) {
    super();
  }

  /** What is known of the pictures of a name; how many they are is known as soon as the name is. */
  strip(name: string): Listing<Picture> {
    const strip = this.#strips.get(name) ?? new Listing<Picture>();
    this.#strips.set(name, strip);
    strip.count ??= this.names.find((one) => one.name === name)?.count ?? 0;
    return strip;
  }

  onEvent(event: Picture): void {
    if (this.watchers === 0) return;
    this.#strips.get(event.name)?.add(event);
    this.changed();
    this.wish();
  }

  /** Load what is missing between two places of a strip. */
  need(name: string, from: number, to: number): void {
    const strip = this.strip(name);
    for (let place = Math.max(0, from); place < Math.min(to, strip.count ?? 0); place++) {
      if (strip.at(place)) continue;
      const before = (Math.floor(place / STRIP_PAGE) + 1) * STRIP_PAGE;
      void this.#load(name, before);
      place = before - 1;
    }
  }

  async #load(name: string, before: number): Promise<void> {
    const key = `${before} ${name}`;
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    try {
      const answer = await getJson<ImagesAnswer>(this.address({ name, before, limit: STRIP_PAGE }));
      // A page that is not full yet is another one later.
      this.strip(name).load(answer.images, answer.before, false);
      this.changed();
    } catch {
      // It is asked for again when it is looked at again.
    } finally {
      this.#asked.delete(key);
    }
  }

  protected async refresh(): Promise<void> {
    const answer = await getJson<ImagesAnswer>(this.address({ limit: 0 }));
    this.total = answer.total;
    this.names = answer.names;
    for (const { name, count } of answer.names) {
      const strip = this.#strips.get(name);
      if (strip) strip.load([], count, true);
    }
    this.changed();
  }
}
