import type { Candidate } from "../../client/api";
import { toNumber, type Num } from "../../client/number";
import { brief, paramsOf } from "./board";
import { value } from "./format";

/** One dimension of a search: a parameter or a score, and where a candidate stands on it, from 0 to 1. */
export interface Dimension {
  name: string;
  log: boolean;
  /** Whether these are words, not numbers. */
  named: boolean;
  ticks: { at: number; label: string }[];
  at(row: Candidate): number | null;
}

const MOST_WORDS = 12;
/** Positive numbers that span so much are told apart by their ratios. */
const DECADES = 50;

/** The parameters that differ, as dimensions; those that are words of too many kinds are left out. */
export function paramsIn(rows: readonly Candidate[]): Dimension[] {
  const names = new Set(rows.flatMap((row) => paramsOf(row).map(({ key }) => key)));
  const held = new Map(rows.map((row) => [row, new Map(paramsOf(row).map(({ key, text }) => [key, text]))]));
  return [...names].flatMap((name) => {
    const dimension = dimensionOf(name, rows, (row) => held.get(row)?.get(name));
    return dimension ? [dimension] : [];
  });
}

export function scoreIn(rows: readonly Candidate[], name: string): Dimension | null {
  return dimensionOf(name, rows, (row) => {
    const score = toNumber((row.scores?.[name] ?? null) as Num);
    return Number.isFinite(score) ? String(score) : undefined;
  });
}

/** A dimension of what rows tell; null where they tell all the same, or too many words. */
export function dimensionOf(name: string, rows: readonly Candidate[], tell: (row: Candidate) => string | undefined): Dimension | null {
  const told = [...new Set(rows.map(tell).filter((text): text is string => text !== undefined))];
  if (told.length < 2) return null;
  const numbers = told.map(Number);
  if (told.every((text, i) => text.trim() !== "" && Number.isFinite(numbers[i] as number))) return ofNumbers(name, numbers, tell);
  if (told.length > MOST_WORDS) return null;
  told.sort();
  const ticks = told.map((label, i) => ({ at: i / (told.length - 1), label: brief(label) }));
  const places = new Map(told.map((text, i) => [text, i / (told.length - 1)]));
  return { name, log: false, named: true, ticks, at: (row) => places.get(tell(row) ?? "\0") ?? null };
}

function ofNumbers(name: string, numbers: number[], tell: (row: Candidate) => string | undefined): Dimension {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const log = low > 0 && high / low >= DECADES;
  const scale = log ? Math.log : (number: number): number => number;
  const back = log ? Math.exp : (number: number): number => number;
  const [from, to] = [scale(low), scale(high)];
  const whole = numbers.every(Number.isInteger);
  const ticks = [0, 0.5, 1].map((at) => ({ at, label: value(back(from + at * (to - from)), 3, whole && at !== 0.5) }));
  const at = (row: Candidate): number | null => {
    const text = tell(row);
    return text === undefined ? null : (scale(Number(text)) - from) / (to - from);
  };
  return { name, log, named: false, ticks, at };
}
