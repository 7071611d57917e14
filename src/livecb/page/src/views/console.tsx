import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { clock, count } from "../data/format";
import { folded, sourceOf, type LogRow } from "../data/logs";
import { hasEnded, type RunSession } from "../session";
import { useTopics } from "../topics";
import { textWidth } from "./palette";

const ROW = 19;
const SPARE = 12;
/** The time before a line, and the room after it in CSS pixels: as the style says. */
const TIME_LETTERS = 8;
const TIME_GAP = 11;

/** The log: follows what comes, stays where it is while somebody reads further up. */
export function Console({ session, tall }: { session: RunSession; tall?: boolean }) {
  useTopics(session.topics, "logs");
  const scroller = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [wanted, setWanted] = useState("");
  const [place, setPlace] = useState({ top: 0, height: 200, letters: Infinity });
  const word = tall ? wanted : "";
  const { version } = session.logs;
  const rows = useMemo(() => folded(filtered(session.logs.rows, word), place.letters), [session, version, word, place.letters]);
  const before = useRef({ count: rows.length, first: rows[0]?.key });

  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement;
    if (following) {
      session.logs.trim();
      element.scrollTop = element.scrollHeight;
    } else if (before.current.first !== rows[0]?.key) {
      // Older lines came in above: what is being read stays where it is.
      element.scrollTop += (rows.length - before.current.count) * ROW;
    }
    before.current = { count: rows.length, first: rows[0]?.key };
  }, [version, wanted, following, place.letters]);

  useEffect(() => {
    session.readingLog = !following;
    return () => {
      session.readingLog = false;
    };
  }, [session, following]);

  useEffect(() => {
    const element = scroller.current as HTMLDivElement;
    const measure = (): void => setPlace({ top: element.scrollTop, height: element.clientHeight, letters: lettersOf(element) });
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);

  const onScroll = (): void => {
    const element = scroller.current;
    if (!element) return;
    setPlace({ ...place, top: element.scrollTop, height: element.clientHeight });
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW * 1.5;
    if (atEnd !== following) setFollowing(atEnd);
  };

  const from = Math.max(0, Math.floor(place.top / ROW) - SPARE);
  const to = Math.min(rows.length, Math.ceil((place.top + place.height) / ROW) + SPARE);
  return (
    <section class={`console ${tall ? "tall" : ""} ${rows.length === 0 ? "bare" : ""}`} aria-label="Log">
      <div class="cap">
        <h2>Log</h2>
        {tall && (
          <input class="find" type="search" placeholder="find in these lines …" aria-label="Find in the log" value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)} />
        )}
        <span class="state">{stateWords(session, following)}</span>
        {!following && (
          <button type="button" class="small" onClick={() => setFollowing(true)}>
            Follow
          </button>
        )}
      </div>
      <div class="rows mono" ref={scroller} onScroll={onScroll} role="log" aria-live="off" aria-label="Log lines" tabIndex={0}>
        {session.logs.older() && (
          <button type="button" class="older" disabled={session.loadingOlder} onClick={() => void session.loadOlder()}>
            {session.loadingOlder ? "loading …" : "load older lines"}
          </button>
        )}
        {rows.length === 0 && <p class="none">{emptyWords(session, wanted)}</p>}
        <div class="sheet" style={{ height: `${rows.length * ROW}px` }}>
          <div style={{ transform: `translateY(${from * ROW}px)` }}>
            {rows.slice(from, to).map((row) => (
              <Row key={row.key} row={row} now={session.now} />
            ))}
          </div>
        </div>
      </div>
    </section>
  );
}

/** So many letters fit beside the time: all are equally wide. */
function lettersOf(element: HTMLElement): number {
  const style = getComputedStyle(element);
  const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - TIME_GAP;
  return Math.floor(room / textWidth("0", style.font) - TIME_LETTERS);
}

function Row({ row, now }: { row: LogRow; now: number }) {
  return (
    <div class={`row ${row.level.toLowerCase()}`}>
      <span class="t">{row.first ? clock(row.time, now, true) : ""}</span>
      <span class="src">{sourceOf(row)}</span>
      {row.text}
    </div>
  );
}

function filtered(rows: readonly LogRow[], wanted: string): readonly LogRow[] {
  const word = wanted.trim().toLowerCase();
  if (!word) return rows;
  return rows.filter((row) => `${row.level} ${row.source} ${row.text}`.toLowerCase().includes(word));
}

function stateWords(session: RunSession, following: boolean): string {
  if (session.logsMissing) return `older lines are missing: ${session.logsMissing}`;
  if (!session.logs.complete) return `loading · ${count(session.logs.count)} lines so far`;
  const lines = `${count(session.logs.count)} line${session.logs.count === 1 ? "" : "s"}`;
  if (following && session.state && hasEnded(session.state)) return lines;
  return `${following ? "following" : "paused while you read"} · ${lines}`;
}

function emptyWords(session: RunSession, wanted: string): string {
  if (wanted && session.logs.count > 0) return `No line in memory has “${wanted}”.`;
  if (!session.logs.complete) return "Loading …";
  if (session.state && hasEnded(session.state)) return "No lines. Warnings are captured by default, everything with capture=\"all\".";
  return "No lines yet. Warnings are captured by default, everything with capture=\"all\".";
}
