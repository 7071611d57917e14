import { DEFAULTS, MOST_SMOOTHING, fromAddress, tidy, toAddress, type Settings } from "./data/settings";
import { moved, scaled, type Part } from "./data/zoom";
import { Topics } from "./topics";

const KEY = "livecb.look";
/** Browsers let an address change only so often. */
const ADDRESS_MS = 300;

/** What the viewer chose for the charts: kept for the project's other runs, and in the address for whoever gets it. */
export class LookChoice {
  readonly topics = new Topics<"look">();
  settings: Settings = DEFAULTS;
  from: number | null = null;
  to: number | null = null;
  #key: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Take what the address says, else what was kept for the project; once, when it is known. */
  open(project: string | null): void {
    if (this.#key !== null) return;
    this.#key = `${KEY}.${project ?? ""}`;
    const said = fromAddress(new URLSearchParams(location.search));
    const { from = null, to = null, ...settings } = { ...(said ?? load(this.#key) ?? load(KEY) ?? DEFAULTS) } as Settings & Partial<LookChoice>;
    this.settings = settings;
    [this.from, this.to] = [from, to];
    this.#tellAddress();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  set(change: Partial<Settings>): void {
    if (change.axis && change.axis !== this.settings.axis) this.from = this.to = null;
    this.settings = { ...this.settings, ...change };
    if (this.#key !== null) keep(this.#key, this.settings);
    this.#changed();
  }

  /** Put a name into one of the lists, or take it out where it is in. */
  toggle(list: "pinned" | "hidden" | "off" | "folds", name: string): void {
    const held = this.settings[list];
    this.set({ [list]: held.includes(name) ? held.filter((each) => each !== name) : [...held, name] });
  }

  /** Look closer, or less close, at the middle of what is shown. */
  closer(shown: Part, all: Part, closer = true): void {
    const [from, to] = scaled(shown, all, closer) ?? [null, null];
    this.zoom(from, to);
  }

  /** Look at what is before, or after, what is shown. */
  move(shown: Part, all: Part, by: -1 | 1): void {
    if (this.from !== null) this.zoom(...moved(shown, all, by));
  }

  /** Change the smoothing by a little, within its bounds. */
  smoother(by: number): void {
    this.set({ smoothing: Math.min(MOST_SMOOTHING, Math.max(0, Math.round((this.settings.smoothing + by) * 100) / 100)) });
  }

  zoom(from: number | null, to: number | null): void {
    this.from = from;
    this.to = to;
    this.#changed();
  }

  #changed(): void {
    this.topics.changed("look");
    this.#tellAddress();
  }

  #tellAddress(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const query = new URLSearchParams(location.search);
      toAddress(query, this.settings, this);
      const said = query.size > 0 ? `?${query}` : "";
      if (said !== location.search) history.replaceState(history.state, "", location.pathname + said + location.hash);
    }, ADDRESS_MS);
  }
}

function keep(key: string, settings: Settings): void {
  try {
    localStorage.setItem(key, JSON.stringify(settings));
    // Of another project what is about no chart of its own is taken over at first.
    const { axis, smoothing, log, logX, marks, best } = settings;
    localStorage.setItem(KEY, JSON.stringify({ axis, smoothing, log, logX, marks, best }));
  } catch {
    // No storage: the choice lasts for this visit.
  }
}

function load(key: string): Settings | null {
  try {
    const kept = localStorage.getItem(key);
    return kept === null ? null : tidy(JSON.parse(kept));
  } catch {
    return null;
  }
}
