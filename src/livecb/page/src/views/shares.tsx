import type { ProgressState } from "../../client/api";
import { count } from "../data/format";

const MOST_SHARES = 6;

/** Counters such as `best_model/gpt`, by what stands before the slash, the most frequent first. */
export function sharesOf(counters: Record<string, number>): [string, [string, number][]][] {
  const shares = new Map<string, [string, number][]>();
  for (const [name, held] of Object.entries(counters)) {
    const at = name.indexOf("/");
    if (at > 0) shares.set(name.slice(0, at), [...(shares.get(name.slice(0, at)) ?? []), [name.slice(at + 1), held]]);
  }
  for (const kinds of shares.values()) kinds.sort(([, a], [, b]) => b - a);
  return [...shares];
}

/** Which kinds there were, how many of each, and a bar for its part of the most frequent one. */
export function Shares({ progress }: { progress: ProgressState | null }) {
  const shares = sharesOf(progress?.counters ?? {});
  if (shares.length === 0) return null;
  return (
    <div class="shares">
      {shares.map(([name, kinds]) => {
        const most = Math.max(1, kinds[0]?.[1] ?? 1);
        return (
          <div key={name} class="share" role="group" aria-label={spoken(name)}>
            <span class="of">{spoken(name)}</span>
            {kinds.slice(0, MOST_SHARES).map(([kind, held]) => (
              <div key={kind} class="meter" title={`${kind} ${count(held)}`}>
                <span>{kind}</span> <b>{count(held)}</b>
                <i aria-hidden="true"><u style={{ width: `${(Math.max(0, held) / most) * 100}%` }} /></i>
              </div>
            ))}
            {kinds.length > MOST_SHARES && <span class="of">and {count(kinds.length - MOST_SHARES)} more</span>}
          </div>
        );
      })}
    </div>
  );
}

export function spoken(name: string): string {
  return name.replaceAll("_", " ");
}
