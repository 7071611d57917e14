/** Numbers, durations, sizes and times as people read them. Thin spaces never: units are set off by a no-break space. */

const NBSP = "\u00a0";
const MINUS = "\u2212";
const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A count: thousands separated. */
export function count(value: number): string {
  return special(value) ?? grouped.format(value).replace("-", MINUS);
}

/** A fraction as whole percent; never 100 % before the end. */
export function percent(fraction: number): string {
  const shown = fraction >= 1 ? 100 : Math.min(99, Math.floor(fraction * 100 + 1e-9));
  return `${shown}%`;
}

/**
 * A measured value with `digits` significant digits; small ones in scientific notation. `whole` says that the values
 * of this kind are counts: then there are no decimals.
 */
export function value(number: number, digits = 4, whole = Number.isInteger(number)): string {
  const word = special(number);
  if (word) return word;
  if (number === 0) return whole ? "0" : (0).toFixed(digits);
  const size = Math.abs(number);
  if (size <= 1e-3 || size >= 1e9) return scientific(number, Math.min(digits, 4) - 2);
  if (whole) return count(number);
  const places = Math.floor(Math.log10(size)) + 1;
  // 0.0934 and 0.1187 stand in one column: four decimals; below that, never fewer than three digits that count.
  const decimals = Math.max(0, Math.min(12, Math.max(digits - Math.max(places, 0), Math.min(digits, 3) - places)));
  return formatWith(decimals).format(number).replace("-", MINUS);
}

/** To make one takes a hundred times as long as to use it. */
const formats = new Map<number, Intl.NumberFormat>();

function formatWith(decimals: number): Intl.NumberFormat {
  const known = formats.get(decimals) ?? new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  formats.set(decimals, known);
  return known;
}

/** `number` with as many digits as it takes to tell it from `other`. `whole` as for `value`. */
export function valueBeside(
  number: number, other: number | null | undefined,
  whole = Number.isInteger(number) && (other == null || Number.isInteger(other) || !Number.isFinite(other)),
): string {
  let shown = value(number, 4, whole);
  if (other == null || !Number.isFinite(other) || !Number.isFinite(number) || other === number) return shown;
  for (let digits = 5; digits <= 9 && shown === value(other, digits - 1, whole); digits++) {
    shown = value(number, digits, whole);
  }
  return shown;
}

/** A change, with its sign. */
export function change(delta: number): string {
  const word = special(delta);
  if (word) return word;
  if (delta === 0) return "±0";
  return `${delta > 0 ? "+" : MINUS}${value(Math.abs(delta), 2)}`;
}

function scientific(number: number, decimals: number): string {
  const [mantissa, exponent] = number.toExponential(Math.max(1, decimals)).split("e") as [string, string];
  const trimmed = mantissa.replace(/(\.\d+?)0+$/, "$1");
  return `${trimmed}e${exponent.replace("+", "")}`.replaceAll("-", MINUS).replace(`e${MINUS}`, "e-");
}

function special(number: number): string | null {
  if (Number.isNaN(number)) return "NaN";
  if (number === Infinity) return "∞";
  if (number === -Infinity) return `${MINUS}∞`;
  return null;
}

/** Seconds in the two units that matter: `4 min 12 s`, `2 h 05 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return seconds <= 0 ? `0${NBSP}s` : `<${NBSP}1${NBSP}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${NBSP}s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86_400) return pair(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return pair(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3600), "h");
}

/** Seconds that were measured: as exactly as matters. */
export function seconds(measured: number): string {
  if (measured < 0.1) return `${value(measured * 1000, 3, false)}${NBSP}ms`;
  return measured < 100 ? `${value(measured, 3, false)}${NBSP}s` : duration(measured);
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return `${count(large)}${NBSP}${largeUnit} ${String(small).padStart(2, "0")}${NBSP}${smallUnit}`;
}

/** How long ago, coarsely: `just now`, `3 min ago`. */
export function ago(seconds: number): string {
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)}${NBSP}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${NBSP}min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}${NBSP}h ago`;
  return `${count(Math.floor(seconds / 86_400))}${NBSP}d ago`;
}

/** Bytes in decimal units, three significant digits. */
export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let rest = size;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  const shown = unit === 0 || rest >= 99.95 ? Math.round(rest).toString() : rest.toPrecision(rest < 9.995 ? 2 : 3);
  return `${shown}${NBSP}${units[unit]}`;
}

/** Units a second, or seconds a unit when it is slow. */
export function rate(perSecond: number, unit: string): string {
  if (!(perSecond > 0)) return "";
  if (perSecond < 0.1) return `${duration(1 / perSecond)} a ${unit}`;
  const shown = perSecond >= 100 ? count(Math.round(perSecond)) : value(perSecond, 2);
  return `${shown}${NBSP}${plural(unit)}/s`;
}

/** `step` → `steps`, `batch` → `batches`. */
export function plural(unit: string): string {
  return /(s|x|ch|sh)$/.test(unit) ? `${unit}es` : `${unit}s`;
}

/** The time of day; with the date when it is not today's. */
export function clock(unix: number, now: number, seconds = false): string {
  const at = new Date(unix * 1000);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
  if (at.toDateString() === new Date(now * 1000).toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function two(part: number): string {
  return String(part).padStart(2, "0");
}
