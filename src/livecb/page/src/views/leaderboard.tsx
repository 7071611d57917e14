import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import type { Candidate, State } from "../../client/api";
import { toNumber } from "../../client/number";
import { CURRENT, countsOf, isSame, keyOf, layoutOf, type Layout } from "../data/board";
import { text } from "../data/flatten";
import { count, duration, value } from "../data/format";
import { columnOf, found, sorted, turned, type Order } from "../data/order";
import { hasEnded, type RunSession } from "../session";
import { useSpent, useTopics } from "../topics";
import { FailedRow, Row } from "./candidate-row";
import { Space } from "./space";

const PAGE = 100;
/** The server tells of so many at most. */
const MOST_ROWS = 500;
const MOVE_MS = 320;

/** All candidates, the best first, the failed ones with their reason last. */
export function Leaderboard({ session }: { session: RunSession }) {
  useTopics(session.topics, "state", "media");
  useSpent(session.topics);
  const { board } = session.media;
  const [look, setLook] = useState<"table" | "space">("table");
  useEffect(() => board.watch(), [board]);
  const state = session.state as State;
  const rows = board.rows ?? state.leaderboard;
  const good = useMemo(() => rows.filter((row) => row.ok), [rows]);
  return (
    <>
      <p class="sr" role="status">{good[0] ? `The best is ${good[0].name}.` : ""}</p>
      <section class="card wide" aria-label="Leaderboard">
        <div class="bar">
          <p class="caption">{captionWords(state, rows.length)}</p>
          {good.length > 1 && (
            <div class="seg" role="group" aria-label="How candidates are shown">
              {(["table", "space"] as const).map((each) => (
                <button key={each} type="button" class={look === each ? "on" : ""} aria-pressed={look === each} onClick={() => setLook(each)}>
                  {each === "table" ? "Table" : "Parameters"}
                </button>
              ))}
            </div>
          )}
        </div>
        {hasEnded(state) && good[0] && <p class="result">{resultWords(good[0])}</p>}
        {look === "table" ? <Table rows={rows} good={good} isNew={(row) => board.news.isNew(row)} /> : <Space rows={good} />}
      </section>
    </>
  );
}

interface TableProps {
  rows: readonly Candidate[];
  good: readonly Candidate[];
  isNew(row: Candidate): boolean;
}

function Table({ rows, good, isNew }: TableProps) {
  const [limit, setLimit] = useState(PAGE);
  const [order, setOrder] = useState<Order | null>(null);
  const [search, setSearch] = useState("");
  const body = useRef<HTMLTableSectionElement>(null);
  const failed = useMemo(() => rows.filter((row) => !row.ok), [rows]);
  const layout = useMemo(() => layoutOf(good), [good]);
  const wholes = useMemo(() => countsOf(good), [good]);
  const shown = useMemo(() => sorted(found(good, search), order), [good, search, order]);
  const others = useMemo(() => found(failed, search), [failed, search]);
  useMoves(body, shown);
  const width = 3 + layout.scores.length + layout.columns.length + Number(layout.together);
  return (
    <>
      {rows.length > FEW && (
        <input type="search" class="find among" placeholder="find a candidate …" aria-label="Search candidates by name, parameter or reason"
          value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of candidates">
        <table class="values board">
          <Head layout={layout} order={order} turn={(column) => setOrder(turned(order, column))} />
          <tbody ref={body} onKeyDown={moveFocus}>
            {shown.slice(0, limit).map((row) => (
              <Row key={keyOf(row)} {...{ row, layout, wholes, width }} fresh={isNew(row)} />
            ))}
            {others.slice(0, limit).map((row) => (
              <FailedRow key={keyOf(row)} {...{ row, width }} fresh={isNew(row)} />
            ))}
          </tbody>
        </table>
      </div>
      {search.trim() !== "" && (
        <p class="more" role="status">{shown.length + others.length === 0 ? "No candidate holds these words." : `${count(shown.length + others.length)} of ${count(rows.length)}`}</p>
      )}
      {layout.same.length > 0 && (
        <p class="more">{isSame(layout.same, failed) ? "The same for all" : "The same for all that have a score"}: {layout.same.map(({ key, text: held }) => `${key} ${held}`).join(" · ")}</p>
      )}
      {Math.max(shown.length, others.length) > limit && (
        <button type="button" class="small further" onClick={() => setLimit(limit + 4 * PAGE)}>show more</button>
      )}
    </>
  );
}

/** With fewer there is nothing to search. */
const FEW = 7;

interface HeadProps {
  layout: Layout;
  order: Order | null;
  turn(column: string): void;
}

function Head({ layout, order, turn }: HeadProps) {
  const head = (column: string, name: string, kind = "") => {
    const down = order?.column === column ? order.down : null;
    return (
      <th scope="col" key={column} class={kind} title={name} aria-sort={down === null ? undefined : down ? "descending" : "ascending"}>
        <button type="button" onClick={() => turn(column)}>{name}{down === null ? "" : down ? "\u00a0↓" : "\u00a0↑"}</button>
      </th>
    );
  };
  return (
    <thead>
      <tr>
        <th scope="col" class="n"><span class="sr">place</span></th>
        {head("name", "candidate")}
        {layout.scores.map((name) => head(columnOf("score", name), name))}
        {head("fit", "fit")}
        {layout.columns.map((name) => head(columnOf("param", name), name, "param"))}
        {layout.together && <th scope="col" class="param">parameters</th>}
      </tr>
    </thead>
  );
}

/** Let rows glide to where they stand now, for those who like things to move. */
function useMoves(body: RefObject<HTMLElement | null>, rows: readonly Candidate[]): void {
  const before = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const calm = document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;
    const now = new Map<string, number>();
    const elements = [...(body.current?.querySelectorAll<HTMLElement>("tr[data-key]") ?? [])];
    for (const element of elements) now.set(element.dataset.key as string, element.offsetTop);
    for (const element of elements) {
      const key = element.dataset.key as string;
      const by = (before.current.get(key) ?? NaN) - (now.get(key) as number);
      if (!calm && Math.abs(by) >= 1) element.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: MOVE_MS, easing: "ease-out" });
    }
    before.current = now;
  }, [rows]);
}

/** The arrows go from one candidate to the next. */
function moveFocus(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("th .link")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (by === undefined || at < 0) return;
  event.preventDefault();
  links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}

/** What came of it, once it is over. */
function resultWords(best: Candidate): string {
  const scores = Object.entries(best.scores ?? {}).map(([name, held]) => `${name} ${value(toNumber(held))}`);
  return [`Best: ${best.name}`, ...scores].join(" · ");
}

/** How many there are, and what is under way. */
function captionWords(state: State, shown: number): string {
  const { progress } = state;
  const { total } = state.candidates;
  const candidates = (number: number): string => `${count(number)} ${number === 1 ? "candidate" : "candidates"}`;
  const counted = progress && /candidate|model|trial/.test(progress.unit) ? progress : null;
  const words = [counted?.total && counted.done !== counted.total ? `${count(counted.done)} of ${candidates(counted.total)}` : candidates(Math.max(total, counted?.done ?? 0))];
  if (total > shown && shown >= MOST_ROWS) words.push(`the best ${count(shown)} are shown`);
  if (!hasEnded(state)) {
    const current = CURRENT.map((name) => progress?.fields[name]).find((held) => held != null);
    if (current !== undefined) words.push(`now ${text(current)}`);
    if (progress?.left) words.push(`${duration(progress.left)} left`);
  }
  const { total: _, ...without } = state.candidates;
  for (const [how, many] of Object.entries(without)) if (many > 0) words.push(`${count(many)} ${how}`);
  return words.join(" · ");
}
