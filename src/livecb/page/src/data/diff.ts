/** A piece of a text beside an earlier one: in both, only in the new one, or only in the old one. */
export interface Piece {
  kind: "same" | "new" | "old";
  text: string;
}

/** Texts with more words than these are not compared word by word: it would take too long. */
const MOST_WORDS = 1_500;

/** What changed from one text to another, by words. */
export function diff(before: string, after: string): Piece[] {
  if (before === after) return before ? [{ kind: "same", text: before }] : [];
  const [old, now] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  const middle = between(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const pieces: Piece[] = [];
  const add = (kind: Piece["kind"], words: readonly string[]): void => {
    const text = words.join("");
    const last = pieces.at(-1);
    if (text && last?.kind === kind) last.text += text;
    else if (text) pieces.push({ kind, text });
  };
  add("same", now.slice(0, start));
  for (const { kind, text } of middle) add(kind, [text]);
  add("same", now.slice(now.length - end));
  return pieces;
}

function wordsOf(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

/** By the longest common subsequence; what is only in the old text comes before what is only in the new one. */
function between(old: readonly string[], now: readonly string[]): Piece[] {
  if (old.length > MOST_WORDS || now.length > MOST_WORDS) return [{ kind: "old", text: old.join("") }, { kind: "new", text: now.join("") }];
  const width = now.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  const held = (i: number, j: number): number => common[i * width + j] as number;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === now[j] ? held(i + 1, j + 1) + 1 : Math.max(held(i + 1, j), held(i, j + 1));
    }
  }
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      pieces.push({ kind: "same", text: now[j++] as string });
      i++;
    } else if (i < old.length && (j === now.length || held(i + 1, j) >= held(i, j + 1))) pieces.push({ kind: "old", text: old[i++] as string });
    else pieces.push({ kind: "new", text: now[j++] as string });
  }
  return pieces;
}
