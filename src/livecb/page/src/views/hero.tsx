import type { ProgressState, State } from "../../client/api";
import { calledOf, idBeside } from "../data/called";
import { CURRENT } from "../data/board";
import { text } from "../data/flatten";
import { clock, count, duration, percent, rate, value } from "../data/format";
import { hasEnded, type RunSession } from "../session";
import { useClock, useTopics } from "../topics";
import { isAway } from "./badge";
import { Shares, sharesOf, spoken } from "./shares";
import { Tiles } from "./tiles";
import { chipWords, frameworkWords, moodOf } from "./words";

/** Is it fine, how far is it, how long still: the first glance. */
export function Hero({ session }: { session: RunSession }) {
  useTopics(session.topics, "state", "link");
  const state = session.state as State;
  const ended = hasEnded(state);
  useClock(1000, !ended);
  const now = session.now;
  return (
    <section class="hero" aria-label="Progress">
      <div class="top">
        <h1 dir="auto" title={state.name}>{calledOf(state)}</h1>
        <span class={`chip ${isAway(session.link) ? "wait" : moodOf(state.status)}`} data-status={state.status}>
          {isAway(session.link) && !ended ? `was ${chipWords(state)}` : chipWords(state)}
        </span>
        <span class="meta">{metaWords(state, now).join(" · ")}</span>
        <Time state={state} now={now} />
      </div>
      <Bar state={state} />
      <Facts state={state} now={now} />
      <Shares progress={state.progress} />
      <Tiles session={session} />
    </section>
  );
}

function metaWords(state: State, now: number): string[] {
  const words = frameworkWords(state);
  words.push(idBeside(state));
  if (state.started) words.push(`${state.attempt > 1 ? "first " : ""}started ${clock(state.started, now)}`);
  if (state.world_size > 1) words.push(`${state.world_size} ranks`);
  return words.filter(Boolean);
}

function Time({ state, now }: { state: State; now: number }) {
  const [large, small] = timeWords(state, now);
  return (
    <span class="eta">
      {large}
      <small>{small}</small>
    </span>
  );
}

/**
 * The time left, or how long it took: the largest words of the page, and what stands beside them. Where a run was
 * taken up again they are about its last attempt, and say so.
 */
export function timeWords(state: State, now: number): [string, string] {
  const progress = state.progress;
  const whose = state.attempt > 1 ? `attempt ${state.attempt}` : "";
  const speed = progress?.rate ? rate(progress.rate, progress.unit) : "";
  if (hasEnded(state)) {
    const took = state.elapsed === null ? "" : duration(state.elapsed);
    const when = state.ended ? `ended ${clock(state.ended, now, true)}` : "";
    const verb = state.status === "completed" ? "took" : "after";
    return [took ? `${verb} ${took}` : state.status, [whose, when].filter(Boolean).join(" · ")];
  }
  if (state.status === "paused" && progress?.left != null) return [`${duration(progress.left)} left`, [whose, "once it goes on"].filter(Boolean).join(" · ")];
  if (progress?.finish && progress.left !== null) {
    const left = Math.max(0, progress.finish - now);
    const silent = silence(state, now);
    const done = `done about ${clock(progress.finish, now)}`;
    return [left < 1 ? "finishing" : `${duration(left)} left`, [silent ?? done, speed].filter(Boolean).join(" · ")];
  }
  if (state.status === "starting") return ["starting", "waiting for the first event"];
  const elapsed = elapsedOf(state, now);
  const running = elapsed === null ? "running" : `${duration(elapsed)} so far`;
  return [running, [whose, silence(state, now) ?? (progress?.total ? "" : "no end known"), speed].filter(Boolean).join(" · ")];
}

function silence(state: State, now: number): string | null {
  const quiet = state.updated === null ? 0 : now - state.updated;
  return quiet > 30 ? `nothing new for ${duration(quiet)}` : null;
}

function Bar({ state }: { state: State }) {
  const fraction = fractionOf(state);
  const epochs = state.totals?.epochs ?? 0;
  const ticks = epochs > 1 && epochs <= 60 ? Array.from({ length: Math.ceil(epochs) - 1 }, (_, i) => (i + 1) / epochs) : [];
  const known = fraction !== null;
  return (
    <div
      class={`track ${moodOf(state.status)} ${known ? "" : "unknown"}`}
      role="progressbar"
      aria-label="Progress of the training"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? Math.round(fraction * 100) : undefined}
    >
      <i style={{ width: `${(fraction ?? 0) * 100}%` }} />
      {ticks.map((at) => (
        <u key={at} style={{ left: `${at * 100}%` }} class={at < (fraction ?? 0) ? "past" : ""} />
      ))}
    </div>
  );
}

/** How far it is, from 0 to 1; null where nobody knows. */
export function fractionOf(state: { status: State["status"]; progress: ProgressState | null }): number | null {
  if (state.progress?.fraction != null) return Math.min(1, Math.max(0, state.progress.fraction));
  return state.status === "completed" ? 1 : null;
}

/**
 * Whether progress counts batches that are steps: what it says of them is older than the last values are, and two
 * numbers of one thing only puzzle.
 */
function isStep(state: State, progress: ProgressState): boolean {
  const within = progress.phase !== null && progress.phase !== state.phase;
  const { steps } = state.totals ?? {};
  const sameTotal = progress.total === null || steps == null || progress.total === steps;
  return progress.unit === "batch" && state.batch === state.step && sameTotal && !within;
}

function Facts({ state, now }: { state: State; now: number }) {
  const fraction = fractionOf(state);
  const { totals, progress } = state;
  const elapsed = elapsedOf(state, now);
  const unit = progress?.unit ?? "step";
  const known = ["step", "epoch"].includes(unit) || (progress !== null && isStep(state, progress));
  // What is counted along with the steps stands for them: a trial, a sample.
  const other = known ? null : progress;
  const same = other?.done === state.step;
  return (
    <div class="facts">
      {fraction !== null && <b>{percent(fraction)}</b>}
      {state.epoch !== null && (
        <span>
          epoch <b>{value(Math.floor(state.epoch * 100) / 100, 3)}</b>
          {totals?.epochs ? ` / ${value(totals.epochs)}` : ""}
        </span>
      )}
      {state.step !== null && !same && (
        <span>
          step <b>{count(state.step)}</b>
          {totals?.steps ? ` / ${count(totals.steps)}` : ""}
        </span>
      )}
      {other && (
        <span>
          {unit} <b>{count(other.done)}</b>
          {other.total ? ` / ${count(other.total)}` : ""}
          {other.phase && other.phase !== state.phase ? ` of ${other.phase}` : ""}
        </span>
      )}
      {elapsed !== null && state.attempt === 1 && (
        <span>
          elapsed <b>{duration(elapsed)}</b>
        </span>
      )}
      <Counts state={state} />
      {state.attempt > 1 && (
        <span>
          attempt <b>{state.attempt}</b>
          {elapsed !== null && <> for <b>{duration(elapsed)}</b></>}
          {state.resumed_step !== null ? `, resumed from step ${count(state.resumed_step)}` : ""}
        </span>
      )}
      {state.lost > 0 && <span class="warn">{count(state.lost)} events lost</span>}
      {state.broken > 0 && <span class="warn">{count(state.broken)} broken lines</span>}
      {state.newer && <span class="warn">written by a newer livecb: not everything shows</span>}
    </div>
  );
}

const MOST_FIELDS = 6;

/** What the loop counts, and what else it wants shown beside its progress. */
function Counts({ state }: { state: State }) {
  const { counters = {}, fields = {}, unit } = state.progress ?? {};
  const shares = new Set(sharesOf(counters).map(([name]) => name));
  // What has a curve, or is counted by kind, stands there; what was worked on last is over with the run.
  const hidden = new Set([unit, ...Object.keys(state.metrics), ...(hasEnded(state) ? CURRENT : [])]);
  const beside = Object.entries(fields).filter(([name, held]) => held != null && !shares.has(name) && !hidden.has(name));
  return (
    <>
      {Object.entries(counters).filter(([name]) => !name.includes("/")).map(([name, held]) => (
        <span key={name} class={held > 0 && /fail|error/i.test(name) ? "warn" : ""}>
          {spoken(name)} <b>{count(held)}</b>
        </span>
      ))}
      {beside.slice(0, MOST_FIELDS).map(([name, held]) => (
        <span key={name} class="field" title={text(held)}>
          {spoken(name)} <b>{typeof held === "number" ? value(held) : text(held)}</b>
        </span>
      ))}
    </>
  );
}

function elapsedOf(state: State, now: number): number | null {
  if (state.elapsed === null) return null;
  return hasEnded(state) || !state.alive ? state.elapsed : state.elapsed + Math.max(0, now - state.now);
}
