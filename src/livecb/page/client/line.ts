import type { LivecbEvent } from "./generated/events.js";

/** Fields in which a number may be none that JSON has: it is written as the word for it. */
const NUMBERS = new Set(["values", "scores", "importances", "edges", "value"]);
/** Fields of any shape, where a word would be a word. In all others, what is no number is not known: null. */
const FREE_FORM = new Set(["config", "params", "summary", "result", "fields", "input", "target", "prediction", "rows", "old", "new"]);

/** An event as a line of the log, ended. The type stands first, so that a reader need not parse what it does not want. */
export function lineOf({ type, ...more }: LivecbEvent): string {
  const fields = Object.entries({ type, ...more }).flatMap(([name, held]) => {
    const text = JSON.stringify(held, NUMBERS.has(name) ? word : FREE_FORM.has(name) ? wrapped : undefined) as string | undefined;
    return text === undefined ? [] : `${JSON.stringify(name)}:${text}`;
  });
  return `{${fields.join()}}\n`;
}

function word(_key: string, held: unknown): unknown {
  return isOdd(held) ? String(held) : held;
}

function wrapped(_key: string, held: unknown): unknown {
  return isOdd(held) ? { $float: String(held) } : held;
}

function isOdd(held: unknown): boolean {
  return typeof held === "number" && !Number.isFinite(held);
}
