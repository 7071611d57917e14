import type { Num } from "../../client/number";
import { toNumber } from "../../client/number";
import { flatten } from "./flatten";

/** A value beside another one. */
export interface Delta {
  difference: number;
  verdict: "better" | "worse" | "equal" | null;
}

/** What of a metric is compared: the best value where its name tells which way is better, else the last one. */
export interface Told {
  value: Num | null;
  best: Num | null;
  goal: "min" | "max" | null;
}

/** How far a value is from another one, and whether that is better; null where one of both is no finite number. */
export function deltaOf(mine: Told | undefined, other: Told | undefined): Delta | null {
  if (!mine || !other) return null;
  const goal = mine.goal ?? other.goal;
  const [one, two] = [mine, other].map((told) => toNumber(goal ? told.best : told.value)) as [number, number];
  if (!Number.isFinite(one) || !Number.isFinite(two)) return null;
  const verdict = goal === null ? null : one === two ? "equal" : one < two === (goal === "min") ? "better" : "worse";
  return { difference: one - two, verdict };
}

/** A setting of several runs: its name, and what each says; null where it says nothing. */
export interface Setting {
  key: string;
  held: (string | null)[];
  differs: boolean;
}

/** The settings of several runs side by side, in the order in which they were first said. */
export function settingsOf(configs: readonly Record<string, unknown>[]): Setting[] {
  const each = configs.map((config) => new Map(flatten(config).map(({ key, text }) => [key, text])));
  const keys = new Set(each.flatMap((settings) => [...settings.keys()]));
  return [...keys].map((key) => {
    const held = each.map((settings) => settings.get(key) ?? null);
    return { key, held, differs: new Set(held).size > 1 };
  });
}

/** The place of the best of some values; -1 where nothing tells. */
export function bestPlace(told: readonly (Told | undefined)[]): number {
  const goal = told.find((one) => one?.goal)?.goal ?? null;
  if (goal === null) return -1;
  let place = -1;
  let best = NaN;
  told.forEach((one, i) => {
    const number = toNumber(one?.best);
    if (Number.isFinite(number) && !(goal === "min" ? number >= best : number <= best)) [place, best] = [i, number];
  });
  return place;
}

/** Dashes that tell lines apart where colours come again. */
export const DASHES: (number[] | undefined)[] = [undefined, [6, 3], [2, 3], [8, 3, 2, 3]];
const COLORS = 7;

const WIDTHS = [1.5, 3];
/** With more of them two lines would look the same. */
export const MOST_COMPARED = COLORS * DASHES.length * WIDTHS.length;

/** How the line of a run looks, by its place among those that are compared: colours first, then dashes, then a thick line. */
export function inkOf(place: number): { color: number; dash: number[] | undefined; dashed: number; width: number } {
  const dashed = Math.floor(place / COLORS) % (DASHES.length * WIDTHS.length);
  return { color: place % COLORS, dash: DASHES[dashed % DASHES.length], dashed, width: WIDTHS[Math.floor(dashed / DASHES.length)] as number };
}

/** The name of a baseline that is made of a run: of letters that it may have. */
export function baselineName(name: string, spoken: string): string {
  const made = [name, name === spoken ? "" : spoken].filter(Boolean).join("-").normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^A-Za-z0-9._-]+/g, "-");
  return made.replace(/^[^A-Za-z0-9]+/, "").slice(0, 120).replace(/[-.]+$/, "") || "baseline";
}
