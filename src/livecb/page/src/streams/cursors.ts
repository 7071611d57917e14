/**
 * Cursors of one run and of several: `120` or `main@120,1@7`, and `RUN@120,RUN/1@7,OTHER@9`. What is not named has not
 * been read.
 */

/** Of all the runs that a cursor names, the place in one. */
export function placeIn(cursor: string, run: string): string {
  const parts: string[] = [];
  for (const piece of cursor.split(",")) {
    const [name = "", at = ""] = piece.split("@");
    if (name === run) parts.unshift(`main@${at}`);
    else if (name.startsWith(`${run}/`)) parts.push(`${name.slice(run.length + 1)}@${at}`);
  }
  return parts.length === 1 && parts[0]?.startsWith("main@") ? parts[0].slice(5) : parts.join(",") || "0";
}

/** One cursor of places in several runs. */
export function together(places: Iterable<readonly [run: string, cursor: string]>): string {
  const parts: string[] = [];
  for (const [run, cursor] of places) {
    for (const [part, at] of offsets(cursor)) if (at > 0) parts.push(`${part === "main" ? run : `${run}/${part}`}@${at}`);
  }
  return parts.join(",") || "0";
}

/** Whether who stands at one place of a run has seen all that stands before another. */
export function covers(cursor: string, other: string): boolean {
  const seen = offsets(cursor);
  for (const [part, at] of offsets(other)) if (at > (seen.get(part) ?? 0)) return false;
  return true;
}

/** The furthest that either of two places of a run has come, part by part. */
export function furthest(one: string, other: string): string {
  if (covers(one, other)) return one;
  if (covers(other, one)) return other;
  const parts = offsets(one);
  for (const [part, at] of offsets(other)) parts.set(part, Math.max(at, parts.get(part) ?? 0));
  return [...parts].map(([part, at]) => `${part}@${at}`).join(",");
}

/**
 * How much of what was said between two places of a run is known to who stands at a third one. `lone` is what is one
 * event: it stands right before `after`. Each part counts by itself, and may have moved over lines that nobody is told
 * of: where those were seen and others not, whose the event is cannot be told.
 */
export function knownOf(known: string, before: string, after: string, lone: boolean): "all" | "none" | "some" {
  const [seen, old] = [offsets(known), offsets(before)];
  const moved = [...offsets(after)].filter(([part, at]) => at !== (old.get(part) ?? 0));
  if (moved.every(([part, at]) => at <= (seen.get(part) ?? 0))) return "all";
  const isNew = ([part, at]: [string, number]): boolean => (lone ? at - 1 : (old.get(part) ?? 0)) >= (seen.get(part) ?? 0);
  return moved.every(isNew) ? "none" : "some";
}

function offsets(cursor: string): Map<string, number> {
  if (!cursor.includes("@")) return new Map([["main", Number(cursor)]]);
  return new Map(cursor.split(",").map((piece) => piece.split("@")).map(([part = "", at]) => [part, Number(at)]));
}
