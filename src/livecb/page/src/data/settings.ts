import { X_AXES, type XAxis } from "./series";

/** How all charts of a run are shown. */
export interface Settings {
  /** null: what suits the run. */
  axis: XAxis | null;
  smoothing: number;
  /** Logarithmic scales. */
  log: boolean;
  logX: boolean;
  /** Whether what happened stands on the axes. */
  marks: boolean;
  /** Whether best values, or the smallest and largest, are marked. */
  best: boolean;
  /** What charts are looked for. */
  find: string;
  /** Titles of charts: those that come first, and those that are not shown. */
  pinned: readonly string[];
  hidden: readonly string[];
  /** Metrics whose lines are not drawn. */
  off: readonly string[];
  /** Groups of charts that are folded where they would be open, and open where they would be folded. */
  folds: readonly string[];
}

export const DEFAULTS: Settings = {
  axis: null, smoothing: 0.8, log: false, logX: false, marks: true, best: true, find: "", pinned: [], hidden: [], off: [], folds: [],
};

/** The part of the axis that is looked at; null is all. */
export interface Part {
  from: number | null;
  to: number | null;
}

const LISTS = { pin: "pinned", hide: "hidden", off: "off", fold: "folds" } as const;
const NAMES = ["x", "smooth", "log", "events", "best", "find", "from", "to", ...Object.keys(LISTS)];
export const MOST_SMOOTHING = 0.99;

/** Write into an address what differs from the defaults; what else stands in it stays. */
export function toAddress(query: URLSearchParams, settings: Settings, { from, to }: Part): void {
  for (const name of NAMES) query.delete(name);
  const { axis, smoothing, log, logX, marks, best, find } = settings;
  if (axis) query.set("x", axis);
  if (smoothing !== DEFAULTS.smoothing) query.set("smooth", String(smoothing));
  if (log || logX) query.set("log", `${logX ? "x" : ""}${log ? "y" : ""}`);
  if (!marks) query.set("events", "0");
  if (!best) query.set("best", "0");
  if (find) query.set("find", find);
  for (const [name, list] of Object.entries(LISTS)) for (const held of settings[list]) query.append(name, held);
  if (from !== null && to !== null) {
    query.set("from", String(Number(from.toPrecision(10))));
    query.set("to", String(Number(to.toPrecision(10))));
  }
}

/** What an address says of how charts are shown; null where it says nothing. What cannot be is as if it were not said. */
export function fromAddress(query: URLSearchParams): (Settings & Part) | null {
  if (!NAMES.some((name) => query.has(name))) return null;
  const said = Object.fromEntries(Object.entries(LISTS).map(([name, list]) => [list, query.getAll(name)]));
  const number = (name: string): number | null => {
    const held = Number(query.get(name) || NaN);
    return Number.isFinite(held) ? held : null;
  };
  const [from, to] = [number("from"), number("to")];
  const part = from !== null && to !== null && from < to ? { from, to } : { from: null, to: null };
  const axes = query.get("log") ?? "";
  return tidy({
    axis: query.get("x"), smoothing: query.has("smooth") ? number("smooth") : undefined, log: axes.includes("y"), logX: axes.includes("x"),
    marks: query.get("events") !== "0", best: query.get("best") !== "0", find: query.get("find"), ...said, ...part,
  }) as Settings & Part;
}

/** What was kept, by this version of the page or by another, as settings: what is not known is as it is by default. */
export function tidy(kept: unknown): Settings {
  const said = (typeof kept === "object" && kept !== null ? kept : {}) as Record<string, unknown>;
  const good: Record<string, unknown> = {};
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const held = said[name];
    const fits = Array.isArray(usual) ? Array.isArray(held) && held.every((each) => typeof each === "string") : typeof held === typeof usual;
    if (fits) good[name] = held;
  }
  const axis = X_AXES.find((each) => each === said.axis) ?? null;
  const smoothing = typeof good.smoothing === "number" ? Math.min(MOST_SMOOTHING, Math.max(0, good.smoothing)) : DEFAULTS.smoothing;
  const part = "from" in said ? { from: said.from, to: said.to } : {};
  return { ...DEFAULTS, ...good, ...part, axis, smoothing };
}
