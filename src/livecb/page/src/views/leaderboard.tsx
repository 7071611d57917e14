import { useMemo, useState } from "preact/hooks";
import type { Candidate, State } from "../../client/api";
import { CURRENT, brief, countsOf, importancesOf, isSame, keyOf, layoutOf, outcomeOf, paramsOf, reasonOf, stageWords, togetherWords, type Layout } from "../data/board";
import { text } from "../data/flatten";
import { count, duration, seconds, value } from "../data/format";
import { toNumber } from "../../client/number";
import { hasEnded, type RunSession } from "../session";
import { useSpent, useTopics } from "../topics";

const PAGE = 100;
/** The state holds so many at most. */
const MOST_ROWS = 500;

/** All candidates, the best first, the failed ones with their reason last. */
export function Leaderboard({ session }: { session: RunSession }) {
  useTopics(session.topics, "state");
  useSpent(session.topics);
  const [limit, setLimit] = useState(PAGE);
  const state = session.state as State;
  const good = state.leaderboard.filter((row) => row.ok);
  const failed = state.leaderboard.filter((row) => !row.ok);
  const said = state.counts.model_completed;
  const layout = useMemo(() => layoutOf(good), [said]);
  const wholes = useMemo(() => countsOf(good), [said]);
  const width = 3 + layout.scores.length + layout.columns.length + Number(layout.together);
  return (
    <section class="card wide" aria-label="Leaderboard">
      <p class="caption">{captionWords(state)}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of candidates">
        <table class="values board">
          <Head layout={layout} />
          <tbody>
            {good.slice(0, limit).map((row) => (
              <Row key={keyOf(row)} {...{ row, layout, wholes, width }} fresh={session.board.isNew(row)} />
            ))}
            {failed.slice(0, limit).map((row) => (
              <FailedRow key={keyOf(row)} {...{ row, width }} fresh={session.board.isNew(row)} />
            ))}
          </tbody>
        </table>
      </div>
      {layout.same.length > 0 && (
        <p class="more">{isSame(layout.same, failed) ? "The same for all" : "The same for all that have a score"}: {layout.same.map(({ key, text: held }) => `${key} ${held}`).join(" · ")}</p>
      )}
      {Math.max(good.length, failed.length) > limit && (
        <button type="button" class="small further" onClick={() => setLimit(limit + 4 * PAGE)}>show more</button>
      )}
    </section>
  );
}

function Head({ layout }: { layout: Layout }) {
  return (
    <thead>
      <tr>
        <th scope="col" class="n"><span class="sr">place</span></th>
        <th scope="col">candidate</th>
        {layout.scores.map((name) => <th scope="col" key={name} title={name}>{name}</th>)}
        <th scope="col">fit</th>
        {layout.columns.map((name) => <th scope="col" class="param" key={name} title={name}>{name}</th>)}
        {layout.together && <th scope="col" class="param">parameters</th>}
      </tr>
    </thead>
  );
}

interface RowProps {
  row: Candidate;
  layout: Layout;
  wholes: ReadonlySet<string>;
  width: number;
  fresh: boolean;
}

function Row({ row, layout, wholes, width, fresh }: RowProps) {
  const [open, setOpen] = useState(false);
  const params = new Map(paramsOf(row).map((entry) => [entry.key, entry.text]));
  const stage = stageWords(row);
  const together = layout.together ? togetherWords(row, layout.same) : "";
  const hasMore = layout.together || Object.keys(row.importances ?? {}).length > 0;
  return (
    <>
      <tr class={[row.place === 1 ? "first" : "", fresh ? "new" : ""].join(" ").trim()}>
        <td class="n">{row.place}</td>
        <th scope="row" title={row.name}>
          <Name {...{ row, hasMore, open, setOpen }} />
          {stage && <span class="stage">{stage}</span>}
        </th>
        {layout.scores.map((name, i) => (
          <td key={name} class={i === 0 ? "now" : ""}>
            {name in (row.scores ?? {}) ? value(toNumber(row.scores?.[name]), 4, wholes.has(name)) : ""}
          </td>
        ))}
        <td>{row.fit_seconds == null ? "" : seconds(row.fit_seconds)}</td>
        {layout.columns.map((name) => <td key={name} class="param" title={params.get(name)}>{brief(params.get(name) ?? "")}</td>)}
        {layout.together && <td class="param" title={together}>{together}</td>}
      </tr>
      {open && <MoreRow {...{ row, width }} />}
    </>
  );
}

/** One that has no score: why, and under its name what it was tried with. */
function FailedRow({ row, width, fresh }: Omit<RowProps, "layout" | "wholes">) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr class={`${outcomeOf(row) ? "pruned" : "fail"} ${fresh ? "new" : ""}`}>
        <td class="n">–</td>
        <th scope="row" title={row.name}><Name {...{ row, open, setOpen }} hasMore={paramsOf(row).length > 0} /></th>
        <td colSpan={width - 2}><span class="reason">{reasonOf(row)}</span></td>
      </tr>
      {open && <MoreRow {...{ row, width }} />}
    </>
  );
}

interface NameProps {
  row: Candidate;
  hasMore: boolean;
  open: boolean;
  setOpen(open: boolean): void;
}

/** A candidate's name, which opens what does not fit into its row. */
function Name({ row, hasMore, open, setOpen }: NameProps) {
  if (!hasMore) return <>{row.name}</>;
  return <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>{row.name}</button>;
}

function MoreRow({ row, width }: { row: Candidate; width: number }) {
  return <tr class="more-of"><td /><td colSpan={width - 1}><More row={row} /></td></tr>;
}

const MOST_FEATURES = 10;

/** What does not fit into a row: all parameters, and the features that matter most. */
function More({ row }: { row: Candidate }) {
  const features = importancesOf(row, MOST_FEATURES);
  const left = Object.keys(row.importances ?? {}).length - features.length;
  return (
    <div class="two">
      <dl class="mono">
        {paramsOf(row).map(({ key, text: held }) => <div key={key}><dt>{key}</dt><dd>{held}</dd></div>)}
      </dl>
      {features.length > 0 && (
        <div>
          {features.map(({ name, importance, part }) => (
            <div key={name} class="meter">
              <span>{name}</span>
              <b>{value(importance, 3, false)}</b>
              <i aria-hidden="true"><u style={{ width: `${part * 100}%` }} /></i>
            </div>
          ))}
          {left > 0 && <p class="more">and {count(left)} more</p>}
        </div>
      )}
    </div>
  );
}

/** How many there are, and what is under way. */
function captionWords(state: State): string {
  const { progress, leaderboard } = state;
  const shown = leaderboard.length;
  const candidates = (number: number): string => `${count(number)} ${number === 1 ? "candidate" : "candidates"}`;
  const counted = progress && /candidate|model|trial/.test(progress.unit) ? progress : null;
  const words = [counted?.total && counted.done !== counted.total ? `${count(counted.done)} of ${candidates(counted.total)}` : candidates(Math.max(shown, counted?.done ?? 0))];
  if (counted && counted.done > shown && shown >= MOST_ROWS) words.push(`the best ${count(shown)} are shown`);
  if (!hasEnded(state)) {
    const current = CURRENT.map((name) => progress?.fields[name]).find((held) => held != null);
    if (current !== undefined) words.push(`now ${text(current)}`);
    if (progress?.left) words.push(`${duration(progress.left)} left`);
  }
  return words.join(" · ");
}
