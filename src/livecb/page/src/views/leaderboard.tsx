import { useState } from "preact/hooks";
import type { Candidate, State } from "../client/api";
import { keyOf, layoutOf, paramsOf, stageWords, togetherWords, type Layout } from "../data/board";
import { text } from "../data/flatten";
import { count, duration, seconds, value } from "../data/format";
import { toNumber } from "../data/number";
import { hasEnded, type RunSession } from "../session";
import { useTopics } from "../topics";

const PAGE = 100;
/** The state holds so many at most. */
const MOST_ROWS = 500;
/** How loops name what they are at, beside the progress. */
const CURRENT = ["current", "current_model", "model"];

/** All candidates, the best first, the failed ones with their reason last. */
export function Leaderboard({ session }: { session: RunSession }) {
  useTopics(session.topics, "state");
  const [limit, setLimit] = useState(PAGE);
  const state = session.state as State;
  const good = state.leaderboard.filter((row) => row.ok);
  const failed = state.leaderboard.filter((row) => !row.ok);
  const layout = layoutOf(good);
  const width = 3 + layout.scores.length + layout.columns.length + Number(layout.together);
  return (
    <section class="card wide" aria-label="Leaderboard">
      <p class="caption">{captionWords(state)}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of candidates">
        <table class="values board">
          <Head layout={layout} />
          <tbody>
            {good.slice(0, limit).map((row) => (
              <Row key={keyOf(row)} row={row} layout={layout} fresh={session.board.isNew(row)} />
            ))}
            {failed.slice(0, limit).map((row) => (
              <tr key={keyOf(row)} class={session.board.isNew(row) ? "fail new" : "fail"}>
                <td class="n">–</td>
                <th scope="row" title={row.name}>{row.name}</th>
                <td colSpan={width - 2} title={togetherWords(row, [])}>{row.reason ?? "failed"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {layout.same.length > 0 && (
        <p class="more">The same for all: {layout.same.map(({ key, text: held }) => `${key} ${held}`).join(" · ")}</p>
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

function Row({ row, layout, fresh }: { row: Candidate; layout: Layout; fresh: boolean }) {
  const params = new Map(paramsOf(row).map((entry) => [entry.key, entry.text]));
  const stage = stageWords(row);
  const together = layout.together ? togetherWords(row, layout.same) : "";
  return (
    <tr class={[row.place === 1 ? "first" : "", fresh ? "new" : ""].join(" ").trim()}>
      <td class="n">{row.place}</td>
      <th scope="row" title={row.name}>{row.name}{stage && <span class="stage">{stage}</span>}</th>
      {layout.scores.map((name, i) => (
        <td key={name} class={i === 0 ? "now" : ""}>{name in (row.scores ?? {}) ? value(toNumber(row.scores?.[name])) : ""}</td>
      ))}
      <td>{row.fit_seconds == null ? "" : seconds(row.fit_seconds)}</td>
      {layout.columns.map((name) => <td key={name} class="param" title={params.get(name)}>{params.get(name)}</td>)}
      {layout.together && <td class="param" title={together}>{together}</td>}
    </tr>
  );
}

/** How many there are, and what is under way. */
function captionWords(state: State): string {
  const { progress, leaderboard } = state;
  const shown = leaderboard.length;
  const candidates = (number: number): string => `${count(number)} ${number === 1 ? "candidate" : "candidates"}`;
  const counted = progress && /candidate|model|trial/.test(progress.unit) ? progress : null;
  const words = [counted?.total ? `${count(counted.done)} of ${candidates(counted.total)}` : candidates(Math.max(shown, counted?.done ?? 0))];
  if (counted && counted.done > shown && shown >= MOST_ROWS) words.push(`the best ${count(shown)} are shown`);
  if (!hasEnded(state)) {
    const current = CURRENT.map((name) => progress?.fields[name]).find((held) => held != null);
    if (current !== undefined) words.push(`now ${text(current)}`);
    if (progress?.left) words.push(`${duration(progress.left)} left`);
  }
  return words.join(" · ");
}
