import type { ComponentChildren } from "preact";
import type { State } from "../../client/api";
import type { Gpu } from "../../client/generated/events";
import { CURRENT, keyOf, outcomeOf, reasonOf } from "../data/board";
import { flatten, text } from "../data/flatten";
import { bytes, clock, count, duration, value } from "../data/format";
import { toNumber, type Num } from "../../client/number";
import { hasEnded } from "../session";

export function Card({ title, children, class: kind = "" }: { title: string; children: ComponentChildren; class?: string }) {
  return (
    <section class={`card ${kind}`}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** The machine in a few lines; nothing while no figures came. */
export function SystemCard({ state }: { state: State }) {
  const system = state.system;
  if (!system) return null;
  const gpus = system.gpus ?? [];
  return (
    <Card title={["System", state.host, hasEnded(state) ? "at the end" : ""].filter(Boolean).join(" · ")}>
      <div class="meters">
        {system.cpu != null && <Meter name="CPU" part={system.cpu / 100} words={`${Math.round(system.cpu)}%`} />}
        {system.memory_used != null && system.memory_total != null && (
          <Meter name="memory" part={system.memory_used / system.memory_total}
            words={`${bytes(system.memory_used)} of ${bytes(system.memory_total)}`} />
        )}
        {system.process_memory != null && (
          <Meter name="process" part={system.memory_total ? system.process_memory / system.memory_total : null}
            words={[bytes(system.process_memory), system.process_cpu == null ? "" : `${value(system.process_cpu / 100, 2)} cores`]
              .filter(Boolean).join(" · ")} />
        )}
        {gpus.map((gpu) => <Meter key={gpu.index} {...gpuMeter(gpu, gpus.length <= FEW_GPUS)} />)}
      </div>
    </Card>
  );
}

const FEW_GPUS = 2;

function gpuMeter(gpu: Gpu, withBar: boolean): { name: string; part: number | null; words: string } {
  const words = [
    gpu.load == null ? "" : `${Math.round(gpu.load)}%`,
    gpu.memory_used == null ? "" : bytes(gpu.memory_used),
    gpu.temperature == null ? "" : `${Math.round(gpu.temperature)}\u00a0°C`,
    gpu.power == null ? "" : `${Math.round(gpu.power)}\u00a0W`,
  ];
  return { name: `GPU ${gpu.index}`, part: gpu.load == null || !withBar ? null : gpu.load / 100, words: words.filter(Boolean).join(" · ") };
}

function Meter({ name, part, words }: { name: string; part: number | null; words: string }) {
  return (
    <div class="meter">
      <span>{name}</span>
      <b>{words}</b>
      {part !== null && (
        <i aria-hidden="true">
          <u style={{ width: `${Math.min(100, Math.max(0, part * 100))}%` }} />
        </i>
      )}
    </div>
  );
}

const TOP = 5;

/** The best candidates of a search, and which one is under way. */
export function CandidatesCard({ state, more }: { state: State; more(): void }) {
  const { total } = state.candidates;
  if (total === 0) return null;
  const current = hasEnded(state) ? undefined : CURRENT.map((name) => state.progress?.fields[name]).find((held) => held != null);
  return (
    <Card title={`Candidates · ${count(total)}`}>
      <table class="rank">
        <tbody>
          {state.leaderboard.slice(0, TOP).map((row, i) => {
            const [score] = Object.values(row.scores ?? {});
            return (
              <tr key={keyOf(row)} class={row.ok || outcomeOf(row) ? "" : "fail"}>
                <td class="n">{row.ok ? (row.place ?? i + 1) : "–"}</td>
                <td title={row.ok ? text(row.params ?? {}) : reasonOf(row)}>{row.ok || outcomeOf(row) ? row.name : `${row.name}: ${reasonOf(row)}`}</td>
                <td>{row.ok ? (score === undefined ? "" : value(toNumber(score as Num))) : (outcomeOf(row) ?? "failed")}</td>
              </tr>
            );
          })}
          {current !== undefined && <tr class="now"><td class="n"><span class="dot" aria-hidden="true" /></td><td colSpan={2}>now {text(current)}</td></tr>}
        </tbody>
      </table>
      {total > TOP && <p class="more"><button type="button" class="link" onClick={more}>all {count(total)}</button></p>}
    </Card>
  );
}

const SHOWN = 14;

/** Hyperparameters; what is too long is cut, with the whole in its title. */
export function ConfigCard({ state, all }: { state: State; all?: boolean }) {
  const entries = flatten(state.config);
  if (entries.length === 0 && !all) return null;
  const shown = all ? entries : entries.slice(0, SHOWN);
  return (
    <Card title="Config" class="config">
      {entries.length === 0 && <p class="none">No hyperparameters were given.</p>}
      <dl class="mono">
        {shown.map(({ key, text: held }) => (
          <div key={key}>
            <dt title={key}>{key}</dt>
            <dd title={held}>{held}</dd>
          </div>
        ))}
      </dl>
      {shown.length < entries.length && <p class="more">and {count(entries.length - shown.length)} more under Config</p>}
    </Card>
  );
}

/** Where and how it runs. */
export function OriginCard({ state, now }: { state: State; now: number }) {
  const again = state.attempt > 1;
  const rows: [string, string][] = [
    ["run", state.run],
    ["command", state.argv.join(" ")],
    ["host", `${state.host}${state.pid ? ` · pid ${state.pid}` : ""}`],
    [again ? "first started" : "started", state.started === null ? "" : clock(state.started, now, true)],
    ["attempt", `${state.attempt}${state.resumed_step === null ? "" : `, resumed from step ${count(state.resumed_step)}`}`],
    ["resumed from", state.resumed_run === null ? "" : `a checkpoint of ${state.resumed_run}`],
    ["attempt started", !again || state.attempt_started === null ? "" : clock(state.attempt_started, now, true)],
    [again ? "attempt took" : "elapsed", state.elapsed === null ? "" : duration(state.elapsed)],
    ["tags", state.tags.join(", ")],
    ["events", count(state.events)],
    ...Object.entries(state.versions).map(([name, version]): [string, string] => [name, version]),
  ];
  return (
    <Card title="Origin" class="config">
      <dl class="mono">
        {rows.filter(([, held]) => held.trim()).map(([key, held]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd title={held}>{held}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
