/** How a slider maps its places, 0 to `PLACES`, to values between two bounds. */
export interface Scale {
  toValue(place: number): number;
  toPlace(value: number): number;
  log: boolean;
}

export const PLACES = 1000;
/** From here on a range spans decades, and equal moves of the hand are to be equal ratios. */
const DECADES = 100;
/** A range that begins at 0 has no ratio there: its smallest place above 0 stands so far below the largest. */
const FLOOR = 1e-6;

/** The scale of a parameter between `min` and `max`; `whole` where only whole numbers are meant. */
export function scaleOf(min: number, max: number, held: number, whole: boolean): Scale {
  const fromZero = min === 0 && max > 0 && held > 0 && held * DECADES <= max;
  const log = (min > 0 && max / min >= DECADES) || fromZero;
  const low = fromZero ? max * FLOOR : min;
  const tidy = (raw: number, step: number): number => Math.min(max, Math.max(min, whole ? Math.round(raw) : rounded(raw, step)));
  if (!log) {
    const step = (max - min) / PLACES;
    return {
      log, toValue: (place) => tidy(min + place * step, step),
      toPlace: (value) => (max > min ? clamp(((value - min) / (max - min)) * PLACES) : 0),
    };
  }
  const span = Math.log(max / low);
  return {
    log,
    toValue: (place) => {
      if (place <= 0) return min;
      if (place >= PLACES) return max;
      const raw = low * Math.exp((place / PLACES) * span);
      return tidy(raw, raw / 10);
    },
    toPlace: (value) => (value <= low ? 0 : clamp((Math.log(value / low) / span) * PLACES)),
  };
}

/** Where a bound is missing, a slider reaches so many times as far as the value it began at, and as near. */
const REACH = 1000;

/** The scale of a parameter that lacks a bound: logarithmic around its value, which must be above 0; null where there is none. */
export function openScaleOf(min: number | null | undefined, max: number | null | undefined, held: number): Scale | null {
  if (!(held > 0) || !Number.isFinite(held) || (max != null && max <= held / REACH)) return null;
  const low = min != null && min > 0 ? min : rounded(held / REACH, held / REACH / 10);
  const high = max ?? rounded(held * REACH, (held * REACH) / 10);
  return high > low ? scaleOf(low, high, held, false) : null;
}

function clamp(place: number): number {
  return Math.min(PLACES, Math.max(0, Math.round(place)));
}

/** The roundest number within about `step` of `raw`: nobody means 0.00030128. */
function rounded(raw: number, step: number): number {
  if (raw === 0 || !(step > 0)) return raw;
  const power = Math.floor(Math.log10(step) + 1e-9);
  return Number(power < 0 ? raw.toFixed(Math.min(20, -power)) : (Math.round(raw / 10 ** power) * 10 ** power).toPrecision(12));
}

/** What somebody typed, as a number between the bounds; or why it is none. */
export function parsed(text: string, min: number | null | undefined, max: number | null | undefined): number | string {
  const held = Number(text.trim().replace("\u2212", "-"));
  if (text.trim() === "" || !Number.isFinite(held)) return `expected a number, such as 0.001 or 1e-3, got “${text}”`;
  if (min != null && held < min) return `expected at least ${min}, got ${held}`;
  if (max != null && held > max) return `expected at most ${max}, got ${held}`;
  return held;
}
