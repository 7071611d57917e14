import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { count } from "../data/format";
import type { RunLog } from "../log";
import { hasEnded, type RunSession } from "../session";
import { useSpent, useTopics } from "../topics";
import { ConsoleBar } from "./console-bar";
import { LineRow } from "./line-row";
import { textWidth } from "./palette";

const ROW = 19;
const SPARE = 12;
/** The time before a line, and the room after it in CSS pixels: as the style says. */
const TIME_LETTERS = 8;
const TIME_GAP = 11;

/** What stands at the top: a line, and by how many pixels it is scrolled past. */
interface Anchor {
  number: number;
  past: number;
}

/** The log: follows what comes, stays where it is while somebody reads further up. */
export function Console({ session, tall }: { session: RunSession; tall?: boolean }) {
  useTopics(session.topics, "logs");
  useSpent(session.topics);
  const { logs } = session;
  const { pages } = logs;
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor | null>(null);
  const [following, setFollowing] = useState(true);
  const [current, setCurrent] = useState(-1);
  const [view, measure] = useReducer(placeOf, { top: 0, height: 200, letters: Infinity });
  pages.fold(view.letters);

  const hold = (next: Anchor | null): void => {
    anchor.current = next;
    logs.reading = next === null ? null : pages.rowOf(next.number);
    setFollowing(next === null);
  };
  // What is read stays where it is, whatever comes before it or after it.
  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement;
    const { current: at } = anchor;
    const top = at === null ? element.scrollHeight : pages.rowOf(at.number) * ROW + at.past;
    if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top;
    measure(element);
    const row = Math.floor(element.scrollTop / ROW);
    logs.need(row - SPARE, row + element.clientHeight / ROW + SPARE);
  }, [pages, pages.version, following, view.letters, current]);
  useEffect(() => {
    anchor.current = null;
    setFollowing(true);
  }, [pages]);
  useEffect(() => {
    const element = scroller.current as HTMLDivElement;
    const sizes = new ResizeObserver(() => measure(element));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      logs.reading = null;
      if (tall) logs.find("", false);
    };
  }, [logs]);

  const onScroll = (): void => {
    const element = scroller.current;
    if (!element) return; // browsers tell of a scroll in the next frame: by then the view may be another
    measure(element);
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW * 1.5;
    const row = Math.floor(element.scrollTop / ROW);
    const number = pages.numberAt(row);
    hold(atEnd ? null : { number, past: element.scrollTop - pages.rowOf(number) * ROW });
    logs.need(row - SPARE, row + element.clientHeight / ROW + SPARE);
  };
  const goTo = (number: number): void => {
    const third = Math.round((scroller.current as HTMLDivElement).clientHeight / 3);
    hold({ number, past: -third });
    setCurrent(number);
  };
  const onFind = (wanted: string, regex: boolean): void => {
    logs.find(wanted, regex);
    setCurrent(-1);
  };
  /** Where a search goes on from: where it was, or what is in view. */
  const from = (): number => {
    if (current >= 0) return current;
    return pages.numberAt(Math.floor((view.top + view.height) / ROW));
  };

  const first = Math.max(0, Math.floor(view.top / ROW) - SPARE);
  const rows = pages.rows(first, Math.ceil((view.top + view.height) / ROW) + SPARE);
  const empty = pages.rowCount === 0;
  return (
    <section class={`console ${tall ? "tall" : ""} ${empty ? "bare" : ""}`} aria-label="Log">
      <div class="cap">
        <h2>Log</h2>
        {tall && <ConsoleBar {...{ logs, session, current, goTo, onFind, from }} />}
        <span class="state">{stateWords(session, following)}</span>
        {!following && <button type="button" class="small" onClick={() => hold(null)}>Follow</button>}
      </div>
      <div class="rows mono" ref={scroller} onScroll={onScroll} role="log" aria-live="off" aria-label="Log lines" tabIndex={0}>
        {empty && <p class="none">{emptyWords(session)}</p>}
        <div class="sheet" style={{ height: `${pages.rowCount * ROW}px` }}>
          <div style={{ transform: `translateY(${first * ROW}px)` }}>
            {rows.map((row, i) => (
              <LineRow key={row?.key ?? `missing ${first + i}`} row={row} now={session.now} finder={logs.search?.finder ?? null}
                current={row !== null && row.number === current} />
            ))}
          </div>
        </div>
      </div>
    </section>
  );
}

interface View {
  top: number;
  height: number;
  letters: number;
}

function placeOf(before: View, element: HTMLElement): View {
  const next = { top: element.scrollTop, height: element.clientHeight, letters: lettersOf(element) };
  const same = next.top === before.top && next.height === before.height && next.letters === before.letters;
  return same ? before : next;
}

/** So many letters fit beside the time: all are equally wide. */
function lettersOf(element: HTMLElement): number {
  const style = getComputedStyle(element);
  const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - TIME_GAP;
  return Math.floor(room / textWidth("0", style.font) - TIME_LETTERS);
}

function stateWords(session: RunSession, following: boolean): string {
  const { logs } = session;
  if (logs.failure) return `lines are missing: ${logs.failure}`;
  if (!logs.complete) return "loading …";
  const lines = linesWords(logs);
  if (following && session.state && hasEnded(session.state)) return lines;
  return `${following ? "following" : "paused while you read"} · ${lines}`;
}

function linesWords({ total, level, pages }: RunLog): string {
  const words = `${count(total)} line${total === 1 ? "" : "s"}`;
  return level === null ? words : `${count(pages.count ?? 0)} of ${words}`;
}

function emptyWords(session: RunSession): string {
  const { logs } = session;
  if (!logs.complete) return "Loading …";
  if (logs.total > 0) return `None of ${count(logs.total)} lines is of the level ${logs.level}.`;
  const how = 'Warnings are captured by default, everything with capture="all".';
  return `${session.state && hasEnded(session.state) ? "No lines." : "No lines yet."} ${how}`;
}
