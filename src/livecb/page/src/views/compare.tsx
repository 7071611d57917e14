import { useEffect, useMemo, useState } from "preact/hooks";
import type { Baseline, MetricState, RunRow } from "../../client/api";
import { toNumber } from "../../client/number";
import { Comparison, type Compared } from "../comparison";
import { calledOf, spokenId } from "../data/called";
import { COMPARE_AXES, type CompareAxis, type Picks } from "../data/picks";
import { bestPlace, deltaOf, inkOf, settingsOf, type Told } from "../data/against";
import { change, count, value } from "../data/format";
import { runPath } from "../routes";
import { useTopics } from "../topics";
import { CompareChart } from "./compare-chart";
import { Choice } from "./runs-bar";
import { moodOf, statusWord } from "./words";

const AXIS_WORDS: Record<CompareAxis, string> = { step: "step", epoch: "epoch", time: "time since the start" };
const PAGE = 12;
/** What has not moved for so long rests: then lines are drawn in full, and the address, which may change only so often, tells of it. */
const REST_MS = 300;

interface Props {
  base: string;
  rows: readonly RunRow[];
  baselines: readonly Baseline[];
  picks: Picks;
  change(part: Partial<Picks>): void;
  open(run: string): void;
}

/** Several runs side by side: a chart for each metric, what they reached, and in what their settings differ. */
export function Compare({ base, rows, baselines, picks, change, open }: Props) {
  const { selected: runs, axis, log, baseline } = picks;
  const comparison = useMemo(() => new Comparison(base, runs), [base, runs.join()]);
  useTopics(comparison.topics, "runs");
  useEffect(() => () => comparison.stop(), [comparison]);
  useEffect(() => comparison.see(rows));
  const [smoothing, setSmoothing] = useState(picks.smoothing);
  const [wanted, setWanted] = useState("");
  const [range, setRange] = useState<[number, number] | null>(null);
  const [limit, setLimit] = useState(PAGE);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const against = baselines.find(({ name }) => name === baseline) ?? null;
  const moving = useMoving(JSON.stringify([axis, log, smoothing, range]));
  useEffect(() => {
    if (!moving && smoothing !== picks.smoothing) change({ smoothing });
  }, [moving]);
  const { version } = comparison;
  const names = useMemo(() => metricsOf(comparison.runs), [comparison, version]);
  const shown = names.filter((name) => wanted.toLowerCase().split(/\s+/).every((word) => name.toLowerCase().includes(word)));
  const toggle = (run: string): void => setHidden(new Set(hidden.has(run) ? [...hidden].filter((one) => one !== run) : [...hidden, run]));
  // A thousand cells that no gesture on the charts changes.
  const tables = useMemo(() => (
    <>
      <Reached runs={comparison.runs} names={shown} against={against} />
      <Settings runs={comparison.runs} />
    </>
  ), [comparison, version, shown.join("\n"), against]);
  const chooseAxis = (next: CompareAxis): void => {
    change({ axis: next });
    setRange(null);
  };
  return (
    <main class="list compare" id="main">
      <div class="bar">
        <button type="button" class="small" onClick={() => change({ compare: false })}>← All runs</button>
        <h1>{count(runs.length)} runs compared</h1>
        <span class="seg" role="radiogroup" aria-label="Over">
          {COMPARE_AXES.map((name) => (
            <label key={name} class={axis === name ? "on" : ""}>
              <input type="radio" name="compare-axis" checked={axis === name} onChange={() => chooseAxis(name)} />{AXIS_WORDS[name]}
            </label>
          ))}
        </span>
        <span class="seg"><button type="button" class={log ? "on" : ""} aria-pressed={log} onClick={() => change({ log: !log })}>log y</button></span>
        <label class="smooth"><span>smoothing {value(smoothing, 2, false)}</span>
          <input type="range" min="0" max="0.99" step="0.01" aria-label="Smoothing" value={smoothing} onInput={(event) => setSmoothing(Number(event.currentTarget.value))} />
        </label>
        {range && <button type="button" class="small" onClick={() => setRange(null)}>show all</button>}
        {baselines.length > 0 && <Choice label="Baseline" held={baseline} choose={(baseline) => change({ baseline })} options={[["", "no baseline"], ...baselines.map(({ name }): [string, string] => [name, `against ${name}`])]} />}
        {names.length > 6 && <input class="find" type="search" placeholder="find a metric …" aria-label="Find a metric" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />}
      </div>
      <ul class="who-is-who" aria-label="Runs, and how their lines look">
        {comparison.runs.map((compared, place) => (
          <Key key={compared.run} {...{ compared, place, open }} row={rows.find(({ run }) => run === compared.run)} href={runPath(base, compared.run)}
            hidden={hidden.has(compared.run)} toggle={() => toggle(compared.run)} />
        ))}
      </ul>
      <div class="charts">
        {shown.slice(0, limit).map((name) => (
          <CompareChart key={name} {...{ name, axis, log, smoothing, range, hidden, comparison }} {...{ moving, version }} zoom={setRange} />
        ))}
      </div>
      {names.length === 0 && <p class="empty">No values yet.</p>}
      {shown.length > limit && <button type="button" class="small further" onClick={() => setLimit(limit + PAGE)}>show {count(Math.min(PAGE, shown.length - limit))} more of {count(shown.length)} charts</button>}
      {tables}
    </main>
  );
}

/** Whether something changed a moment ago, and is about to change again. */
function useMoving(what: string): boolean {
  const [rested, setRested] = useState(what);
  useEffect(() => {
    if (rested === what) return undefined;
    const rest = setTimeout(() => setRested(what), REST_MS);
    return () => clearTimeout(rest);
  }, [what]);
  return rested !== what;
}

/** All metrics of the runs: those that most have first, else as the runs say them. */
function metricsOf(runs: readonly Compared[]): string[] {
  const counts = new Map<string, number>();
  for (const { state } of runs) for (const name of Object.keys(state?.metrics ?? {})) counts.set(name, (counts.get(name) ?? 0) + 1);
  const weight = (name: string): number => (/(^|\/)(loss|acc)/i.test(name) ? 0.5 : 0) + (/val|eval|test/i.test(name) ? 0.25 : 0);
  return [...counts].sort(([a, m], [b, n]) => n + weight(b) - (m + weight(a))).map(([name]) => name);
}

interface KeyProps {
  compared: Compared;
  place: number;
  row: RunRow | undefined;
  href: string;
  hidden: boolean;
  open(run: string): void;
  toggle(): void;
}

function Key({ compared, place, row, href, hidden, open, toggle }: KeyProps) {
  const { color, dashed } = inkOf(place);
  const status = compared.state?.status ?? row?.status;
  const name = compared.state?.name ?? row?.name ?? compared.run;
  const onClick = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(compared.run);
  };
  return (
    <li class={hidden ? "hidden" : ""}>
      <button type="button" class="swatch" aria-pressed={!hidden} aria-label={`Lines of ${name}`} title="Show or hide its lines" onClick={toggle}>
        <i class={`s${color + 1} d${dashed}`} aria-hidden="true" />
      </button>
      <a href={href} onClick={onClick} title={compared.run}>{name}</a>
      {name !== spokenId(compared.run) && <span class="meta">{spokenId(compared.run)}</span>}
      {status && <span class={`chip ${moodOf(status)}`}>{statusWord(status)}</span>}
      {compared.failure && <span class="odd">{compared.failure}</span>}
    </li>
  );
}

function nameOf({ state, run }: Compared): string {
  return state ? calledOf(state) : spokenId(run);
}

function Heads({ runs, what }: { runs: readonly Compared[]; what: string }) {
  return (
    <thead>
      <tr>
        <th scope="col">{what}</th>
        {runs.map((compared, place) => {
          const { color, dashed } = inkOf(place);
          return <th scope="col" key={compared.run} title={compared.run}><i class={`s${color + 1} d${dashed}`} aria-hidden="true" /> {nameOf(compared)}{nameOf(compared) !== spokenId(compared.run) && <span class="meta">{spokenId(compared.run)}</span>}</th>;
        })}
      </tr>
    </thead>
  );
}

/** What each run reached, the best of them marked; beside the baseline, if there is one. */
function Reached({ runs, names, against }: { runs: readonly Compared[]; names: readonly string[]; against: Baseline | null }) {
  if (names.length === 0) return null;
  return (
    <section class="card wide" aria-label="What they reached">
      <h2>What they reached{against ? `, against ${against.name}` : ""}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of best values">
        <table class="values side">
          <Heads runs={runs} what="metric" />
          <tbody>
            {names.map((name) => {
              const told = runs.map(({ state }) => state?.metrics[name]);
              const best = bestPlace(told);
              return (
                <tr key={name}>
                  <th scope="row" title={name}>{name}</th>
                  {told.map((held, place) => <td key={place} class={place === best ? "now" : ""}><Cell {...{ held }} other={against?.metrics[name] as Told | undefined} best={place === best} /></td>)}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Cell({ held, other, best }: { held: MetricState | undefined; other: Told | undefined; best: boolean }) {
  if (!held) return null;
  const delta = deltaOf(held, other);
  return (
    <>
      {value(toNumber(held.best ?? held.value))}{best && <span class="sr"> (the best)</span>}
      {delta && <span class={`delta ${delta.verdict ?? ""}`}>{change(delta.difference)}{delta.verdict && <span class="sr"> {delta.verdict}</span>}
        {delta.verdict === "better" && <i aria-hidden="true"> ▲</i>}{delta.verdict === "worse" && <i aria-hidden="true"> ▼</i>}</span>}
    </>
  );
}

/** In what the settings differ; all of them on demand. */
function Settings({ runs }: { runs: readonly Compared[] }) {
  const [all, setAll] = useState(false);
  const settings = settingsOf(runs.map(({ state }) => state?.config ?? {}));
  const differ = settings.filter(({ differs }) => differs);
  const shown = all ? settings : differ;
  if (settings.length === 0) return null;
  return (
    <section class="card wide" aria-label="Configuration">
      <h2>{all ? "Configuration" : `Configuration: ${differ.length === 0 ? "the same for all" : `${count(differ.length)} of ${count(settings.length)} settings differ`}`}</h2>
      {shown.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of settings">
          <table class="values side mono">
            <Heads runs={runs} what="setting" />
            <tbody>
              {shown.map(({ key, held, differs }) => (
                <tr key={key} class={differs ? "differs" : ""}>
                  <th scope="row" title={key}>{key}</th>
                  {held.map((text, place) => <td key={place} title={text ?? "not said"}>{text ?? <span class="soft">–</span>}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {differ.length < settings.length && (
        <button type="button" class="small" aria-pressed={all} onClick={() => setAll(!all)}>{all ? "show only what differs" : `show all ${count(settings.length)}`}</button>
      )}
    </section>
  );
}
