/** One hyperparameter: its dotted path, and its value as text. */
export interface Entry {
  key: string;
  text: string;
}

/** A nested config as flat entries in their order: `model.hidden` → `[64, 64]`. */
export function flatten(config: Record<string, unknown>, prefix = ""): Entry[] {
  const entries: Entry[] = [];
  for (const [name, held] of Object.entries(config)) {
    const key = prefix + name;
    if (isPlain(held) && Object.keys(held).length > 0 && !("$float" in held)) entries.push(...flatten(held, `${key}.`));
    else entries.push({ key, text: text(held) });
  }
  return entries;
}

/** A JSON value as one line of text, in the way Python people write it. */
export function text(held: unknown): string {
  if (typeof held === "string") return held;
  if (typeof held === "number") return Math.abs(held) >= 1e-4 || held === 0 ? String(held) : held.toExponential();
  if (held === null || held === undefined) return "None";
  if (held === true) return "True";
  if (held === false) return "False";
  if (Array.isArray(held)) return `[${held.map(text).join(", ")}]`;
  if (isPlain(held)) {
    if (typeof held.$float === "string") return held.$float;
    return `{${Object.entries(held).map(([key, item]) => `${key}: ${text(item)}`).join(", ")}}`;
  }
  return String(held);
}

function isPlain(held: unknown): held is Record<string, unknown> {
  return typeof held === "object" && held !== null && !Array.isArray(held);
}
