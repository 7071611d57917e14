import { useEffect, useMemo, useState } from "preact/hooks";
import type { RunRow } from "../../client/api";
import { NOTHING, columnsOf, isMeant, picksOf, queryOf, sorted, type Picks } from "../data/picks";
import { count } from "../data/format";
import { runPath } from "../routes";
import type { RunsSession } from "../runs";
import { Shelf } from "../shelf";
import { useClock, useTopics } from "../topics";
import { lazy } from "./lazy";
import { Refused } from "./refused";
import { DeedNotice, FilterBar, SelectionBar } from "./runs-bar";
import { RunLine } from "./run-line";

const Compare = lazy(() => import("./compare"), (module) => module.Compare);

const PAGE = 100;
const METRICS = 3;

interface Props {
  session: RunsSession;
  base: string;
  open(run: string): void;
}

/** What is chosen, as the address says it. */
function usePicks(): [Picks, (change: Partial<Picks>) => void] {
  const [picks, setPicks] = useState(() => picksOf(location.search));
  useEffect(() => {
    const onBack = (): void => setPicks(picksOf(location.search));
    addEventListener("popstate", onBack);
    return () => removeEventListener("popstate", onBack);
  }, []);
  const change = (part: Partial<Picks>): void => {
    const next = { ...picksOf(location.search), ...part };
    // To compare is to go somewhere; the rest is how one looks at where one is.
    const turn = part.compare === undefined || part.compare === picks.compare ? "replaceState" : "pushState";
    history[turn](null, "", location.pathname + queryOf(next));
    setPicks(next);
  };
  return [picks, change];
}

/** All runs of the store, live: to find, to sort, to label, to compare. */
export function RunsView({ session, base, open }: Props) {
  useTopics(session.topics, "runs", "link");
  useClock(1000, session.rows.length > 0);
  const [picks, change] = usePicks();
  const [, redraw] = useState(0);
  const shelf = useMemo(() => new Shelf(base, () => redraw((n) => n + 1)), [base]);
  useEffect(() => void shelf.open(), [shelf]);
  const { link } = session;
  if (link.kind === "refused" && !session.loaded) return <Refused link={link} base={base} of="runs" />;
  if (!session.loaded) return <main class="lone" id="main" />;
  if (session.rows.length === 0 && !shelf.deed) return <NoRuns />;
  if (picks.compare) {
    return <Compare base={base} rows={session.rows} baselines={shelf.baselines} {...{ picks, change, open }} />;
  }
  return <List {...{ session, shelf, picks, change, base, open }} />;
}

interface ListProps extends Props {
  shelf: Shelf;
  picks: Picks;
  change(part: Partial<Picks>): void;
}

function List({ session, shelf, picks, change, base, open }: ListProps) {
  const [limit, setLimit] = useState(PAGE);
  const found = sorted(session.rows.filter((row) => isMeant(row, picks)), picks.sort);
  const columns = columnsOf(found, METRICS);
  const chosen = new Set(picks.selected);
  const selected = session.rows.filter((row) => chosen.has(row.run));
  const baseline = shelf.baselines.find(({ name }) => name === picks.baseline) ?? null;
  const toggle = (row: RunRow): void =>
    change({ selected: chosen.has(row.run) ? picks.selected.filter((run) => run !== row.run) : [...picks.selected, row.run] });
  const shown = found.slice(0, limit);
  const all = shown.length > 0 && shown.every((row) => chosen.has(row.run));
  const toggleAll = (): void => change({ selected: all ? [] : [...new Set([...picks.selected, ...shown.map(({ run }) => run)])] });
  const heads: [string, string, string][] = [["name", "run", ""], ["status", "status", ""], ["progress", "progress", "how"]];
  return (
    <main class="list" id="main">
      <h1 class="sr">Runs</h1>
      <FilterBar {...{ rows: session.rows, shelf, picks, change }} found={found.length} />
      <DeedNotice shelf={shelf} />
      <table class="runs" aria-label="Runs">
        <thead>
          <tr>
            <th class="tick"><input type="checkbox" aria-label="Select all that are shown" checked={all} onChange={toggleAll} /></th>
            {heads.map(([column, words, kind]) => <Head key={column} {...{ column, words, kind, picks, change }} />)}
            <th class="spark" scope="col"><span class="sr">curve</span></th>
            {columns.map((name) => <Head key={name} column={name} words={name} kind="metric" {...{ picks, change }} />)}
            <Head column="started" words="started" kind="age" {...{ picks, change }} />
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <RunLine key={row.run} {...{ row, columns, shelf, baseline, open }} now={session.now} href={runPath(base, row.run)}
              selected={chosen.has(row.run)} toggle={() => toggle(row)} pickTag={(tag) => change({ tag })} />
          ))}
        </tbody>
      </table>
      {found.length === 0 && (
        <p class="empty">
          {picks.archived ? "No run that was put away is like that." : "No run is like that."}{" "}
          <button type="button" class="small" onClick={() => change({ ...NOTHING, selected: picks.selected })}>Show all</button>
        </p>
      )}
      {found.length > limit && (
        <button type="button" class="small further" onClick={() => setLimit(limit + PAGE)}>
          show {count(Math.min(PAGE, found.length - limit))} more of {count(found.length)}
        </button>
      )}
      {selected.length > 0 && <SelectionBar {...{ rows: selected, shelf, picks, change }} />}
    </main>
  );
}

interface HeadProps {
  column: string;
  words: string;
  kind: string;
  picks: Picks;
  change(part: Partial<Picks>): void;
}

function Head({ column, words, kind, picks, change }: HeadProps) {
  const turned = picks.sort === `-${column}`;
  const on = turned || picks.sort === column;
  const next = on ? (turned ? column : `-${column}`) : column === "name" || column === "status" ? column : `-${column}`;
  return (
    <th class={kind} scope="col" aria-sort={on ? (turned ? "descending" : "ascending") : undefined}>
      <button type="button" class="head" title={`${words}: sort by it`} onClick={() => change({ sort: next })}>
        <span>{words}</span>{on && <i aria-hidden="true">{turned ? "↓" : "↑"}</i>}
      </button>
    </th>
  );
}

function NoRuns() {
  return (
    <main class="lone" id="main">
      <h1>No runs yet</h1>
      <p>They show here by themselves. Add one line to a training:</p>
      <pre class="mono code" tabIndex={0} role="region" aria-label="How to begin">
        <span class="c"># Lightning</span>
        {"\nfrom livecb.callbacks.lightning import LiveStream\ntrainer = L.Trainer(callbacks=["}
        <b>LiveStream()</b>
        {"])\n\n"}
        <span class="c"># Hugging Face</span>
        {"\nfrom livecb.callbacks.transformers import LiveStream\ntrainer = Trainer(..., callbacks=["}
        <b>LiveStream()</b>
        {"])\n\n"}
        <span class="c"># any loop</span>
        {"\nimport livecb\nwith "}
        <b>livecb.init(project="mnist")</b>
        {' as run:\n    run.log({"train/loss": loss})'}
      </pre>
      <p class="soft">
        Or see one at once: <code class="mono">livecb demo</code>
      </p>
    </main>
  );
}
