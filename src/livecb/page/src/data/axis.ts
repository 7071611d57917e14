/** The labels of an axis: as many digits as it takes to tell them exactly, powers of ten where numbers get long. */
export function axisNumber(splits: readonly (number | null)[]): string[] {
  const shown = splits.filter((split): split is number => split !== null);
  const step = smallestStep(shown);
  const largest = Math.max(0, ...shown.map(Math.abs));
  const small = largest < 1e-2 || largest >= 1e7;
  const format = small ? scientific : plain;
  let digits = 0;
  while (digits < 8 && !shown.every((split) => isExact(format(split, digits), split, step))) digits++;
  return splits.map((split) => (split === null ? "" : label(split, step, format, digits)));
}

type Format = (split: number, digits: number) => string;

const scientific: Format = (split, digits) => split.toExponential(digits).replace("e+", "e");
const plain: Format = (split, digits) => split.toFixed(digits);

function isExact(text: string, split: number, step: number): boolean {
  return Math.abs(Number(text) - split) < step * 0.01;
}

function label(split: number, step: number, format: Format, digits: number): string {
  if (Math.abs(split) < step * 1e-6) return "0";
  const text = format(split, digits);
  const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/.exec(text) as unknown as [string, string, string, string];
  return (sign && "\u2212") + whole.replace(/\B(?=(\d{3})+$)/g, ",") + rest;
}

function smallestStep(shown: readonly number[]): number {
  let step = Infinity;
  for (let i = 1; i < shown.length; i++) {
    const gap = Math.abs((shown[i] as number) - (shown[i - 1] as number));
    if (gap > 0 && gap < step) step = gap;
  }
  return Number.isFinite(step) ? step : Math.abs(shown[0] ?? 1) || 1;
}

/** Seconds since the start, short: `45 s`, `12 min`, `1:30 h`, `2 d 6 h`. */
export function axisTime(seconds: number): string {
  const whole = Math.round(seconds);
  const sign = whole < 0 ? "\u2212" : "";
  const size = Math.abs(whole);
  if (size === 0) return "0";
  if (size < 60) return `${sign}${size} s`;
  if (size < 3600) return size % 60 === 0 ? `${sign}${size / 60} min` : `${sign}${Math.floor(size / 60)}:${two(size % 60)} min`;
  if (size < 86_400) {
    const minutes = Math.round((size % 3600) / 60);
    return minutes === 0 ? `${sign}${Math.floor(size / 3600)} h` : `${sign}${Math.floor(size / 3600)}:${two(minutes)} h`;
  }
  const hours = Math.round((size % 86_400) / 3600);
  return `${sign}${Math.floor(size / 86_400)} d${hours ? ` ${hours} h` : ""}`;
}

/** Unix seconds as the reader's time of day, with the date where the axis spans more than a day. */
export function axisClock(splits: readonly number[]): string[] {
  const first = splits[0] ?? 0;
  const [span, step] = [(splits.at(-1) ?? 0) - first, (splits[1] ?? first) - first];
  return splits.map((split) => {
    const at = new Date(split * 1000);
    const time = `${two(at.getHours())}:${two(at.getMinutes())}${step % 60 ? `:${two(at.getSeconds())}` : ""}`;
    return span < 86_400 ? time : `${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
  });
}

/** Places to label on a logarithmic axis: 1, 2 and 5 of each power of ten while there are few, else powers alone. */
export function logSplits(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const powers = Math.log10(high / low);
  const found: number[] = [];
  for (let power = first; power <= last; power += Math.ceil(powers / 8)) {
    for (const digit of powers <= 3 ? [1, 2, 5] : [1]) found.push(Number(`${digit}e${power}`));
  }
  return found.filter((split) => split >= low && split <= high);
}

function two(part: number): string {
  return String(part).padStart(2, "0");
}

/** From label to label of an axis of whole numbers. */
export const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** Whether all numbers are whole: then there is nothing to label between them. */
export function isWhole(...columns: (readonly (number | null | undefined)[])[]): boolean {
  return columns.every((column) => column.every((cell) => cell == null || Number.isInteger(cell)));
}
