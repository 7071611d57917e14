/** A number as the API writes it: JSON has no NaN and no infinities; true counts as one. */
export type Num = number | boolean | "NaN" | "Infinity" | "-Infinity";

/** The number that `value` stands for; NaN for what is none. */
export function toNumber(value: Num | null | undefined): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  if (value === "Infinity") return Infinity;
  if (value === "-Infinity") return -Infinity;
  return NaN;
}
