import { Api, type SeriesAnswer, type State } from "../client/api";
import { Backoff } from "../client/backoff";
import { ApiError } from "../client/errors";
import { getJson } from "../client/http";
import type { Link } from "../client/link";
import type { Message } from "../client/sse";
import { copied } from "./copied";
import { Curves } from "./data/curves";
import { Detail } from "./data/detail";
import { Locator } from "./data/locate";
import { Marks, type MarksAnswer } from "./data/marks";
import type { XAxis } from "./data/series";
import type { LivecbEvent } from "../client/generated/events";
import { RunLog } from "./log";
import { Media } from "./media";
import { restWhileHidden } from "./hidden";
import { Resting } from "./resting";
import { Soon } from "./soon";
import { inTime } from "./streams/patience";
import { hubOf, type Followed } from "./streams/tab";
import type { Telling } from "./telling";
import { Topics } from "./topics";
import { Wheel } from "./wheel";

export type RunTopic = "state" | "curves" | "logs" | "link" | "media" | "marks" | "wheel" | "telling";

/** Points a curve to ask the server for at first. */
const HISTORY_POINTS = 2_000;
/** Types that the page needs as events; all else it reads off the folded state. */
const TYPES = "metrics,log,run_started,model_completed,sample,image,figure,command,checkpoint,alert,note";
/** Candidates that a glance shows; the leaderboard itself is asked for apart. */
const ROWS = 8;
/** An event that stands so far behind the clock is history being caught up with. */
const BEHIND_S = 5;
/** Who is told nothing more for so long was told all there is, however old. */
const CAUGHT_UP_MS = 1_500;
/** When a candidate is done, its place is asked for at once, but never more often than this. */
const ASK_STATE_MS = 250;
/** More names than these make an address too long for some proxies. */
const MANY_NAMES = 20;
const KEEP_SEQS = 1_000;

const ENDED = new Set(["completed", "failed", "stopped", "killed", "crashed"]);

/** Whether the run has come to its end, whichever. */
export function hasEnded(state: State): boolean {
  return ENDED.has(state.status);
}

/** One run as the page knows it: history joined with what comes, without gap or overlap. */
export class RunSession {
  readonly topics = new Topics<RunTopic>();
  readonly curves = new Curves();
  readonly logs: RunLog;
  readonly marks = new Marks();
  /** Tells where on an axis marks stand. */
  readonly locator = new Locator();
  readonly wheel: Wheel;
  /** Null until the first glance is there. */
  telling: Telling | null = null;
  state: State | null = null;
  link: Link = { kind: "connecting", since: Date.now() };
  /** How often the stream was taken up, and how often history was loaded anew. */
  connects = 0;
  loads = 0;
  /** How often a part was looked at more closely. */
  closer = 0;
  /** The numbers of the events that came last by the stream. */
  readonly seqs: number[] = [];
  #wishes = 0;
  #skew = 0;
  readonly #askState = new Soon(() => this.#renewState(), ASK_STATE_MS);
  #followed: Followed | null = null;
  #generation = 0;
  #stopped = false;
  #stopResting = (): void => undefined;
  /** Where the run stood when it was let go. */
  #restedAt: string | undefined;
  readonly #resting = new Resting(() => this.#goToRest(), () => this.#lookWhileResting());
  #caughtUp: ReturnType<typeof setTimeout> | undefined;
  media: Media;
  readonly #api: Api;

  constructor(readonly base: string, readonly run: string) {
    this.#api = new Api(base);
    this.media = this.#newMedia();
    this.logs = new RunLog((query) => this.#api.part(run, "lines", query), () => this.#onLog());
    this.wheel = new Wheel(this.#api.run(run), base, () => this.topics.changed("wheel"));
  }

  /** The server's clock, Unix seconds. It stands still while nobody knows how the run goes on. */
  get now(): number {
    if (copied) return copied.at;
    const local = this.link.kind === "reconnecting" ? this.link.since : Date.now();
    return local / 1000 + this.#skew;
  }

  /** The run's address, in the API. */
  get address(): string {
    return this.#api.run(this.run);
  }

  get cursor(): string {
    return this.#followed?.cursor ?? this.state?.cursor ?? "0";
  }

  start(): void {
    this.#stopResting = restWhileHidden(() => !hubOf(this.base).shared, () => this.#goToRest(), () => this.#wakeUp());
    void this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopResting();
    this.wheel.stop();
    this.telling?.stop();
    this.#resting.stop();
    clearTimeout(this.#caughtUp);
    this.#followed?.stop();
    this.logs.stop();
  }

  retryNow(): void {
    this.#followed?.retryNow();
  }

  /** Ask the server for a part of the curves that was thinned, to draw it as finely as it is known. */
  async lookCloser(axis: XAxis, from: number, to: number): Promise<void> {
    const thinned = [...this.curves.byName].filter(([, series]) => series.thinned).map(([name]) => name);
    if (thinned.length === 0) return;
    // A little before it, so that smoothing has warmed up where the part begins.
    const query: Record<string, string | number> = { points: HISTORY_POINTS, x: axis, from: from - (to - from) / 4, to };
    if (thinned.length <= MANY_NAMES) query.names = thinned.join(",");
    const wish = ++this.#wishes;
    try {
      const answer = await getJson<SeriesAnswer>(this.#api.series(this.run, query));
      if (wish !== this.#wishes) return;
      this.curves.detail = new Detail(axis, from, to, answer, this.curves.byName);
      this.closer++;
      this.topics.changed("curves");
    } catch {
      // What is shown stays as it is: coarser, with nothing missing that stands out.
    }
  }

  async #open(): Promise<void> {
    const generation = ++this.#generation;
    const backoff = new Backoff();
    const since = Date.now();
    for (let tries = 1; !this.#isPast(generation); tries++) {
      try {
        if (!(await this.#renewState(tries))) return;
        const answer = await getJson<SeriesAnswer>(this.#api.series(this.run, { points: HISTORY_POINTS }), inTime(tries));
        // Asked for later, they may tell of what the stream tells again: each mark is taken once.
        const marks = await getJson<MarksAnswer>(this.#api.marks(this.run), inTime(tries));
        if (this.#isPast(generation)) return;
        this.loads++;
        this.curves.load(answer, this.state?.attempt ?? 1);
        this.locator.goBy(this.curves.byName.values());
        this.marks.load(marks);
        this.topics.changed("marks");
        this.topics.changed("curves");
        this.#follow(answer.cursor);
        void this.logs.open();
        void this.#beginTelling();
        return;
      } catch (error) {
        if (this.#isPast(generation)) return;
        this.#setLink(
          error instanceof ApiError && error.final
            ? { kind: "refused", since, status: error.status, title: error.title, detail: error.detail }
            : { kind: "reconnecting", since, why: "the server does not answer", tries },
        );
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
  }

  async #beginTelling(): Promise<void> {
    if (this.telling || copied) return;
    const { Telling } = await import("./telling");
    if (this.#stopped || this.telling || !this.state) return;
    this.telling = new Telling(this.run, this.state);
    this.topics.changed("telling");
  }

  #follow(cursor: string): void {
    this.#followed?.stop();
    const wish = { run: this.run, cursor, query: { types: TYPES, state: 1, rows: ROWS } };
    this.#followed = hubOf(this.base).follow(wish, {
      onMessage: (message, by) => this.#onMessage(message, by),
      onLink: (link) => {
        if (link.kind === "live") this.connects++;
        this.#setLink(link);
      },
    });
  }

  #onMessage(message: Message, by: string): void {
    if (message.event === "state") this.#setState(JSON.parse(message.data) as State);
    else if (message.event === "reset") this.#startOver();
    else if (message.event === "writer") this.#onWriter((JSON.parse(message.data) as { alive: boolean }).alive);
    else if (message.event === "") this.#onEvent(parse(message.data), by);
  }

  #onEvent(event: LivecbEvent, by: string): void {
    if (this.seqs.push(event.seq) > KEEP_SEQS) this.seqs.shift();
    if (event.type === "metrics") {
      this.curves.append(event);
      this.topics.changed("curves");
    } else if (event.type === "log") {
      this.logs.add(event, this.cursor, by);
    } else if (event.type === "run_started" && !event.rank) {
      this.curves.attempt = event.attempt ?? 1;
    } else if (event.type === "model_completed") {
      this.#askState.wish();
      this.telling?.seeModel(event, this.now);
      this.media.onEvent(event);
    } else if (this.marks.add(event)) {
      this.locator.goBy(this.curves.byName.values());
      this.topics.changed("marks");
    } else {
      this.media.onEvent(event);
    }
    this.#noteLag(event.time);
  }

  #noteLag(time: number): void {
    clearTimeout(this.#caughtUp);
    if (this.now - time <= BEHIND_S) this.#endReplay();
    else {
      if (this.link.kind === "live") this.#setLink({ ...this.link, kind: "replaying", since: Date.now() });
      this.#caughtUp = setTimeout(() => this.#endReplay(), CAUGHT_UP_MS);
    }
  }

  #endReplay(): void {
    if (this.link.kind === "replaying") this.#setLink({ ...this.link, kind: "live", since: Date.now() });
  }

  #onWriter(alive: boolean): void {
    if (!this.state) return;
    this.state = { ...this.state, alive };
    this.#restOnceOver();
    this.topics.changed("state");
  }

  #setState(state: State): void {
    if (state.events < (this.state?.events ?? 0) && state.now < (this.state?.now ?? 0)) return;
    this.#skew = state.now - Date.now() / 1000;
    this.state = state;
    this.wheel.see(state);
    this.telling?.see(state);
    this.media.onCounts(state.counts);
    this.curves.rewind(state.rewinds);
    // A folded state is the present: what was behind has been caught up with.
    this.#endReplay();
    this.#restOnceOver();
    this.topics.changed("state");
    if (state.rewinds.length > 0) this.topics.changed("curves");
  }

  #getState(tries = 1): Promise<State> {
    return getJson<State>(this.#api.state(this.run, { rows: ROWS }), inTime(tries));
  }

  /** Ask for the state; false where nobody wants it any more. */
  async #renewState(tries = 1): Promise<boolean> {
    const generation = this.#generation;
    const state = await this.#getState(tries);
    if (this.#isPast(generation)) return false;
    this.#setState(state);
    return true;
  }

  /** Whether what was asked for then is of no use any more: the session is over, or began anew. */
  #isPast(generation: number): boolean {
    return this.#stopped || generation !== this.#generation;
  }

  #onLog(): void {
    this.#restOnceOver();
    this.topics.changed("logs");
  }

  #setLink(link: Link): void {
    this.link = link;
    this.#restOnceOver();
    this.topics.changed("link");
  }

  #newMedia(): Media {
    return new Media(this.#api, this.run, () => this.topics.changed("media"));
  }

  // The log was replaced: what is known of it is no more.
  #startOver(): void {
    this.#followed?.stop();
    this.logs.startOver();
    this.media = this.#newMedia();
    this.curves.byName.clear();
    this.topics.changed("curves");
    void this.#open();
  }

  /** Whether nothing more is to come, and all of it is here. */
  get #isOver(): boolean {
    const { state, link } = this;
    if (this.#stopped || !state || !hasEnded(state) || state.alive || !this.logs.complete) return false;
    return link.kind === "live" || link.kind === "polling";
  }

  #restOnceOver(): void {
    this.#resting.see(this.#isOver, this.now - (this.state?.updated ?? 0));
  }

  #goToRest(): void {
    this.#followed?.stop();
    if (this.link.kind !== "resting") this.#restedAt = this.state?.cursor;
    this.#setLink({ kind: "resting", since: Date.now() });
    this.#resting.begin();
  }

  #wakeUp(): void {
    this.#resting.end();
    if (this.#followed) this.#follow(this.#followed.cursor);
  }

  /** Ask how the run stands, and wake up if it goes on; false once it does not rest any more. */
  async #lookWhileResting(): Promise<boolean> {
    const generation = this.#generation;
    const rests = (): boolean => !this.#isPast(generation) && this.link.kind === "resting";
    try {
      const state = await this.#getState();
      if (!rests()) return false;
      this.#setState(state);
      const same = hasEnded(state) && !state.alive && state.cursor === this.#restedAt;
      if (!same && (!document.hidden || hubOf(this.base).shared)) this.#wakeUp();
    } catch {
      // Whoever looks is told that the server is away; else the next question may be answered.
      if (!document.hidden && rests()) this.#wakeUp();
    }
    return rests();
  }
}

function parse(line: unknown): LivecbEvent {
  return (typeof line === "string" ? JSON.parse(line) : line) as LivecbEvent;
}
