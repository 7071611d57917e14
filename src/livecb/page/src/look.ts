import type { XAxis } from "./data/series";
import { Topics } from "./topics";

/** How all charts are shown; kept for the next visit. */
export interface Settings {
  /** null: what suits the run. */
  axis: XAxis | null;
  smoothing: number;
  log: boolean;
  /** Whether what happened stands on the axes. */
  marks: boolean;
}

const KEY = "livecb.look";
const DEFAULTS: Settings = { axis: null, smoothing: 0.8, log: false, marks: true };

/** What the viewer chose for the charts: axis, smoothing, scale, and the part looked at. */
export class LookChoice {
  readonly topics = new Topics<"look">();
  settings: Settings = load();
  from: number | null = null;
  to: number | null = null;

  set(change: Partial<Settings>): void {
    if (change.axis && change.axis !== this.settings.axis) this.from = this.to = null;
    this.settings = { ...this.settings, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.settings));
    } catch {
      // No storage: the choice lasts for this visit.
    }
    this.topics.changed("look");
  }

  /** Change the smoothing by a little, within its bounds. */
  smoother(by: number): void {
    this.set({ smoothing: Math.min(0.99, Math.max(0, Math.round((this.settings.smoothing + by) * 100) / 100)) });
  }

  zoom(from: number | null, to: number | null): void {
    this.from = from;
    this.to = to;
    this.topics.changed("look");
  }
}

function load(): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>) };
  } catch {
    return DEFAULTS;
  }
}
