import type { Sample } from "../../client/generated/events";
import { text } from "./flatten";

/** The epoch that was under way, or just done, where so many were done; null where nobody said. */
export function epochOf(done: number | null | undefined): number | null {
  return done == null ? null : Math.ceil(done - 1e-6) + 0; // never -0
}

/** What went into a model or came out of it, for people: text as it stands, a chat by who speaks, fields by name. */
export function words(held: unknown): string {
  if (held === null || held === undefined) return "";
  if (typeof held === "string") return held;
  if (Array.isArray(held)) return held.every(isTurn) ? held.map(turnWords).join("\n") : text(held);
  if (typeof held === "object" && !("$float" in held)) {
    return Object.entries(held).map(([name, item]) => `${name}: ${words(item)}`).join("\n");
  }
  return text(held);
}

function isTurn(held: unknown): held is { role: string; content: unknown } {
  return typeof held === "object" && held !== null && "role" in held && "content" in held;
}

function turnWords({ role, content }: { role: string; content: unknown }): string {
  return `${role}: ${words(content)}`;
}

/** Whether two samples are of the same input: the same prompt, asked again. */
export function isSameInput(one: Sample, other: Sample): boolean {
  return one.input != null && (one.name ?? null) === (other.name ?? null) && words(one.input) === words(other.input);
}
