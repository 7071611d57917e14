/** Finds a word, or a regular expression, in a text; letters' case does not matter unless a capital was typed. */
export interface Finder {
  has(text: string): boolean;
  /** Where it stands: pairs of begin and end. */
  ranges(text: string): [number, number][];
}

/** Ranges in one row; more would be no help. */
const MOST_RANGES = 200;

/**
 * What finds `wanted`; null where there is nothing to find.
 *
 * Raises `SyntaxError` where it is no regular expression.
 */
export function finderOf(wanted: string, regex: boolean): Finder | null {
  if (wanted === "") return null;
  const cased = regex ? /[A-Z]/.test(wanted.replace(/\\./g, "")) : /\p{Lu}/u.test(wanted);
  const source = regex ? wanted : wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const flags = cased ? "m" : "im";
  const one = new RegExp(source, flags);
  const every = new RegExp(source, `${flags}g`);
  return {
    has: (text) => one.test(text),
    ranges: (text) => {
      const found: [number, number][] = [];
      for (const match of text.matchAll(every)) {
        if (match[0] !== "") found.push([match.index, match.index + match[0].length]);
        if (found.length === MOST_RANGES) break;
      }
      return found;
    },
  };
}

/** The place in a rising list of the first number that is not smaller. */
export function placeIn(numbers: readonly number[], number: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where in a log somebody wants to go. */
export type Goal = { time: number } | { step: number } | { line: number };

const DAY = 86_400;
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: DAY };

/**
 * Understand a time of day (`14:02`, `14:02:30`, `2026-11-21 14:02`), a while ago (`-5m`), a step (`1200`) or a line
 * (`#300`); null for what is none. A time of day is the last one before `latest`, in Unix seconds.
 */
export function goalOf(said: string, latest: number): Goal | null {
  const text = said.trim().toLowerCase();
  const line = /^(?:#|line )\s*(\d+)$/.exec(text);
  if (line) return { line: Math.max(0, Number(line[1]) - 1) };
  const step = /^(?:step\s*)?(\d[\d,_]*)$/.exec(text);
  if (step) return { step: Number((step[1] as string).replace(/[,_]/g, "")) };
  const ago = /^[-\u2212]\s*(\d+(?:\.\d+)?)\s*([smhd])/.exec(text);
  if (ago) return { time: latest - Number(ago[1]) * (UNITS[ago[2] as string] as number) };
  const time = /^(?:(\d{4})-(\d\d?)-(\d\d?)[ t]+)?(\d\d?):(\d\d)(?::(\d\d))?$/.exec(text);
  if (!time) return null;
  const [hours, minutes, seconds] = [time[4], time[5], time[6] ?? "0"].map(Number) as [number, number, number];
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const day = time[1] ? new Date(Number(time[1]), Number(time[2]) - 1, Number(time[3])) : new Date(latest * 1000);
  day.setHours(hours, minutes, seconds, 0);
  if (!time[1] && day.getTime() / 1000 > latest) day.setDate(day.getDate() - 1);
  return { time: day.getTime() / 1000 };
}
