import { useEffect, useState } from "preact/hooks";
import type { Audio, Table } from "../../client/generated/events";
import { isAbandoned } from "../data/attempts";
import { text } from "../data/flatten";
import { bytes, clock, count, seconds, value } from "../data/format";
import { OTHERS, keyOf, type Named, type Others as Media } from "../others";
import type { RunSession } from "../session";
import { useSpent, useTopics } from "../topics";
import { Histograms } from "./histograms";
import { captionOf } from "./words";

const MANY = 12;
const MOST_ROWS = 50;

/** Sounds, tables and histograms of a run, by their names. */
export function Others({ session }: { session: RunSession }) {
  useTopics(session.topics, "media");
  useSpent(session.topics);
  const { others } = session.media;
  const [limit, setLimit] = useState(MANY);
  useEffect(() => others.watch(), [others]);
  if (others.total === null) return <p class="empty card">Loading …</p>;
  const all = OTHERS.flatMap((type) => others.of(type));
  return (
    <>
      {all.slice(0, limit).map((named) => <One key={`${named.type} ${named.name}`} {...{ named, others, session }} />)}
      {all.length > limit && (
        <button type="button" class="small further" onClick={() => setLimit(limit + MANY)}>show more of {count(all.length)} names</button>
      )}
    </>
  );
}

interface OneProps {
  named: Named;
  others: Media;
  session: RunSession;
}

function One({ named, others, session }: OneProps) {
  const { type, name, count: total } = named;
  return (
    <section class={`card other ${type}`} aria-label={`${name}, ${type}`}>
      <h2>{name} <span class="many">{count(total)}</span></h2>
      {type === "audio" && <Sounds {...{ named, others, session }} />}
      {type === "table" && <Tables {...{ named, others, session }} />}
      {type === "histogram" && <Histograms named={named} />}
    </section>
  );
}

function Sounds({ named, others, session }: OneProps) {
  const rewinds = session.state?.rewinds ?? [];
  return (
    <>
      <ul class="sounds">
        {(named.events as Audio[]).map((sound) => (
          <li key={keyOf(sound)} class={isAbandoned(sound, rewinds) ? "abandoned" : ""}>
            <span class="when">{captionOf(sound) || clock(sound.time, session.now, true)}</span>
            <audio controls preload="none" src={others.file(sound.file.hash)} aria-label={`${named.name}, ${captionOf(sound)}`} />
            <span class="soft">{[sound.caption, sound.seconds == null ? "" : seconds(sound.seconds), bytes(sound.file.size)].filter(Boolean).join(" · ")}</span>
          </li>
        ))}
      </ul>
      <Older {...{ named, others }} />
    </>
  );
}

/** One table of those that were said, the newest at first; a slider goes back in time. */
function Tables({ named, others, session }: OneProps) {
  const [back, setBack] = useState(0);
  const [all, setAll] = useState(false);
  const { events } = named;
  const table = events[Math.min(back, events.length - 1)] as Table | undefined;
  if (!table) return null;
  const rows = all ? table.rows : table.rows.slice(0, MOST_ROWS);
  return (
    <>
      {events.length > 1 && (
        <p class="through">
          <span class="soft">{captionOf(table) || clock(table.time, session.now, true)}</span>
          <input type="range" min="0" max={events.length - 1} value={events.length - 1 - back} aria-label={`${named.name} through time`}
            onInput={(event) => setBack(events.length - 1 - Number(event.currentTarget.value))} />
        </p>
      )}
      <div class="scroll said" tabIndex={0} role="region" aria-label={`Table ${named.name}`}>
        <table class="values said-table">
          <thead><tr>{table.columns.map((column, i) => <th scope="col" key={i} class={typeof table.rows[0]?.[i] === "number" ? "" : "text"}>{column}</th>)}</tr></thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i}>{row.map((cell, j) => <td key={j} class={typeof cell === "number" ? "" : "text"}>{cellWords(cell)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      {table.rows.length > MOST_ROWS && (
        <p class="more"><button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>{all ? "fewer rows" : `all ${count(table.rows.length)} rows`}</button></p>
      )}
      <Older {...{ named, others }} />
    </>
  );
}

function cellWords(cell: unknown): string {
  if (cell === null) return "";
  return typeof cell === "number" ? value(cell) : text(cell);
}

function Older({ named, others }: Omit<OneProps, "session">) {
  const left = named.count - named.events.length;
  if (left <= 0) return null;
  return <button type="button" class="small further" onClick={() => void others.older(named)}>show more of {count(named.count)}</button>;
}
