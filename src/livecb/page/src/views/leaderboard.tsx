import { useState } from "preact/hooks";
import type { Candidate, State } from "../client/api";
import { keyOf, layoutOf, paramsOf, togetherWords, type Layout } from "../data/board";
import { text } from "../data/flatten";
import { count, duration, seconds, value } from "../data/format";
import { toNumber } from "../data/number";
import { hasEnded, type RunSession } from "../session";
import { useTopics } from "../topics";

const PAGE = 100;
const CURRENT = ["candidate", "current", "current_model", "model", "trial"];

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
  const together = layout.together ? togetherWords(row, layout.same) : "";
  return (
    <tr class={[row.place === 1 ? "first" : "", fresh ? "new" : ""].join(" ").trim()}>
      <td class="n">{row.place}</td>
      <th scope="row" title={row.name}>{row.name}</th>
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
  const done = state.counts.model_completed ?? state.leaderboard.length;
  const { progress } = state;
  const all = progress?.total && /candidate|model|trial/.test(progress.unit) ? ` of ${count(progress.total)}` : "";
  const words = [`${count(done)}${all} ${done === 1 && !all ? "candidate" : "candidates"}`];
  if (done > state.leaderboard.length) words.push(`the best ${count(state.leaderboard.length)} are shown`);
  if (!hasEnded(state)) {
    const current = CURRENT.map((name) => progress?.fields[name]).find((held) => held != null);
    if (current !== undefined) words.push(`now ${text(current)}`);
    if (progress?.left) words.push(`${duration(progress.left)} left`);
  }
  return words.join(" · ");
}
