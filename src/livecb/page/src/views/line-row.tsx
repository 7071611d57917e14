import { pieces } from "../data/ansi";
import type { Finder } from "../data/find";
import { clock } from "../data/format";
import { sourceOf, type LogRow } from "../data/logs";

interface Props {
  /** Null while it is on its way. */
  row: LogRow | null;
  now: number;
  finder: Finder | null;
  /** Whether the search stands here. */
  current: boolean;
}

/** One row of the console: its time, its source, and its text as a terminal would colour it. */
export function LineRow({ row, now, finder, current }: Props) {
  if (!row) return <div class="row absent" aria-hidden="true">…</div>;
  return (
    <div class={`row ${row.level.toLowerCase()} ${current ? "current" : ""}`}>
      <span class="t" title={row.first ? new Date(row.time * 1000).toLocaleString() : undefined}>
        {row.first ? clock(row.time, now, true).slice(-8) : ""}
      </span>
      <span class="src">{sourceOf(row)}</span>
      {row.spans.length === 0 && !finder ? row.text : coloured(row, finder)}
    </div>
  );
}

function coloured(row: LogRow, finder: Finder | null) {
  const found = finder?.ranges(row.text) ?? [];
  return [...pieces(row.spans, row.at, row.at + row.text.length)].map(({ from, to, style }) => (
    <span key={from} class={style.kind} style={{ color: style.color ?? undefined, background: style.ground ?? undefined }}>
      {marked(row.text, from - row.at, to - row.at, found)}
    </span>
  ));
}

/** A piece of a text, with what was found in it marked. */
function marked(text: string, from: number, to: number, found: [number, number][]) {
  const parts = [];
  let at = from;
  for (const [begin, end] of found) {
    const [low, high] = [Math.max(begin, from), Math.min(end, to)];
    if (low >= high) continue;
    parts.push(text.slice(at, low), <mark key={low}>{text.slice(low, high)}</mark>);
    at = high;
  }
  parts.push(text.slice(at, to));
  return parts;
}
