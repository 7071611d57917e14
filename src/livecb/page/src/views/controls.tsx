import { useEffect, useRef, useState } from "preact/hooks";
import type { State } from "../../client/api";
import { copied } from "../copied";
import { calledOf } from "../data/called";
import {
  buttonsOf, canAsk, choicesOf, commonReason, deedOf, fateOf, given, keyOf, latestCommands, pauseOf, pending, valueNow, whose, type Asked, type Button,
} from "../data/controls";
import { clock, duration } from "../data/format";
import type { RunSession } from "../session";
import { useClock, useTopics } from "../topics";
import { Card } from "./aside";
import { isAway } from "./badge";
import { ParameterRow } from "./parameter";
import { Reasoned } from "./reasoned";

const LATEST = 3;
/** So many parameters a phone names before one asks for more. */
const NAMED = 2;
/** What a phone has under the thumb. */
const AT_HAND = new Set(["pause", "resume", "stop", "save"]);

/** What can be asked of a run that lives, and what became of what was asked. Only the run says what is so. */
export function Controls({ session, narrow = false }: { session: RunSession; narrow?: boolean }) {
  useTopics(session.topics, "state", "link", "wheel");
  const [lasts, setLasts] = useState(USUAL_S);
  const state = session.state as State;
  const { wheel } = session;
  if (!state.alive || copied) return null;
  // Where room is short, what there is not needs no words.
  if (!canAsk(state)) return narrow ? null : <Silent />;
  const barred = wheel.barred ?? (isAway(session.link) ? "The server does not answer: what you see may be out of date." : null);
  const buttons = buttonsOf(state);
  const common = barred ?? commonReason(buttons, state.controls.parameters);
  const open = pending(state);
  const buttonsAre = { session, buttons, barred, lasts };
  const reasons = (
    <>
      {common && <p class="fate">{common}</p>}
      {wheel.unknown && barred === null && (
        <p class="fate unsure" role="status">The server did not tell what you may do here. What you may not do, it will refuse.</p>
      )}
    </>
  );
  const rest = (
    <>
      {barred === null && buttons.some(({ name, reason }) => name === "pause" && reason === null) && <PauseLength lasts={lasts} choose={setLasts} />}
      {!narrow && reasons}
      {state.controls.parameters.map((said) => {
        const parameter = { ...said, value: valueNow(said, state) };
        const key = keyOf("set", parameter.name);
        return (
          <ParameterRow key={parameter.name} parameter={parameter} reason={barred ?? parameter.reason ?? null} asked={open.get(key) ?? null}
            sending={wheel.sending.get(key)} failure={wheel.failures.get(key)}
            set={(value) => void wheel.ask("set", { parameter: parameter.name, value })} />
        );
      })}
      <Choices session={session} state={state} barred={barred} />
    </>
  );
  const who = barred === null && !wheel.access?.name && <Who session={session} />;
  if (narrow) {
    return (
      <section class="card control" aria-label="Control">
        <Paused session={session} state={state} />
        <Buttons {...buttonsAre} groups={[true]} />
        {reasons}
        <details>
          <summary>{["Control", ...state.controls.parameters.slice(0, NAMED).map((said) => `${said.name} ${given(valueNow(said, state))}`)].join(" · ")}</summary>
          <Buttons {...buttonsAre} groups={[false]} />
          {rest}
          {who}
        </details>
        <Latest session={session} state={state} />
      </section>
    );
  }
  return (
    <Card title="Control" class="control">
      <Paused session={session} state={state} />
      <Buttons {...buttonsAre} groups={[true, false]} />
      {rest}
      <Latest session={session} state={state} />
      {who}
    </Card>
  );
}

function Silent() {
  return (
    <Card title="Control" class="control silent">
      <p class="none">This run does not say that it obeys. A loop does with <code>run.track</code>, and so do most callbacks.</p>
    </Card>
  );
}

/** Who holds the run, how long already, and when it goes on by itself. */
function Paused({ session, state }: { session: RunSession; state: State }) {
  const pause = pauseOf(state);
  useClock(1000, pause !== null);
  if (!pause) return null;
  const now = session.now;
  return (
    <p class="paused">
      Paused by <b>{pause.by}</b> for {duration(Math.max(0, now - pause.since))}
      {pause.until !== null && `; goes on by itself at ${clock(pause.until, now)}`}
    </p>
  );
}

/** Why a button cannot be pressed now: who may, whether the run does it, whether it is asked already. */
function reasonOf(reason: string | null, key: string, asked: Asked | undefined | null, session: RunSession): string | null {
  if (reason !== null) return reason;
  if (session.wheel.sending.has(key)) return "On its way to the run.";
  return asked ? `Asked by ${asked.by} and not obeyed yet: the run obeys between two steps.` : null;
}

/** How long a pause may last: after that the run goes on by itself, should nobody come back. In seconds. */
const LENGTHS: [number, string][] = [[60, "1 minute"], [600, "10 minutes"], [3600, "1 hour"], [8 * 3600, "8 hours"], [24 * 3600, "1 day"]];
const USUAL_S = 3600;

function PauseLength({ lasts, choose }: { lasts: number; choose(seconds: number): void }) {
  return (
    <label class="parameter">
      <span class="line">
        <span class="name">pause for at most</span>
        <select value={lasts} onChange={(event) => choose(Number(event.currentTarget.value))}>
          {LENGTHS.map(([seconds, words]) => <option key={seconds} value={seconds}>{words}</option>)}
        </select>
      </span>
    </label>
  );
}

interface ButtonsProps {
  session: RunSession;
  buttons: Button[];
  barred: string | null;
  /** How long a pause may last, in seconds. */
  lasts: number;
  /** Those under the thumb, the others, or both. */
  groups: boolean[];
}

function Buttons({ session, buttons, barred, lasts, groups }: ButtonsProps) {
  const [stopping, setStopping] = useState(false);
  const { wheel } = session;
  const failures = buttons.flatMap(({ name }) => groups.includes(AT_HAND.has(name)) ? wheel.failures.get(name) ?? [] : []);
  const group = (atHand: boolean) => (
    <div class={atHand ? "at-hand" : "others"}>
      {buttons.filter(({ name }) => AT_HAND.has(name) === atHand).map((button) => {
        const busy = wheel.sending.has(button.name) || button.asked !== null;
        return (
          <Reasoned key={button.name} reason={reasonOf(barred ?? button.reason, button.name, button.asked, session)} busy={busy} class={button.name}
            press={() => (button.name === "stop" ? setStopping(true) : void wheel.ask(button.name, button.name === "pause" ? { value: lasts } : {}))}>
            {button.label}{busy && " …"}
          </Reasoned>
        );
      })}
    </div>
  );
  return (
    <>
      <div class="buttons">
        {groups.map(group)}
      </div>
      {failures.map((words) => <p key={words} class="fate bad" role="alert">{words}</p>)}
      {stopping && <Stop session={session} close={() => setStopping(false)} />}
    </>
  );
}

/** Asks before a run is stopped: it cannot be taken back. */
function Stop({ session, close }: { session: RunSession; close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const state = session.state as State;
  const why = state.controls?.commands.save;
  const stop = (): void => {
    void session.wheel.ask("stop");
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class="help ask" aria-labelledby="stop-title" onClose={close}>
      <h2 id="stop-title">Stop {calledOf(state)}?</h2>
      <p>
        {why === "" ? "It saves a checkpoint first, then its training ends." : `Its training ends and saves nothing first: ${why}.`} Everything
        recorded stays. This cannot be taken back; to hold it for a while, pause it.
      </p>
      <div class="answers">
        <button type="button" class="stop" onClick={stop}>{why === "" ? "Stop and save" : "Stop without saving"}</button>
        <button type="button" autofocus onClick={() => dialog.current?.close()}>Keep it going</button>
      </div>
    </dialog>
  );
}

/** Which candidate to skip, to drop, to add. */
function Choices({ session, state, barred }: { session: RunSession; state: State; barred: string | null }) {
  const [chosen, choose] = useState<Record<string, string>>({});
  const { wheel } = session;
  const open = pending(state);
  return (
    <>
      {choicesOf(state).map(({ name, label, reason, candidates }) => {
        const value = candidates.includes(chosen[name] ?? "") ? chosen[name] : candidates[0];
        const key = keyOf(name, null, value);
        const none = value === undefined && name !== "skip" ? `There is none to ${name}.` : null;
        return (
          <div key={name} class="parameter">
            <div class="line">
              {candidates.length > 1 ? (
                <select aria-label={`Candidate to ${name}`} value={value} onChange={(event) => choose({ ...chosen, [name]: event.currentTarget.value })}>
                  {candidates.map((candidate) => <option key={candidate}>{candidate}</option>)}
                </select>
              ) : <span class="name">{value ?? "the candidate under way"}</span>}
              <Reasoned reason={reasonOf(barred ?? reason ?? none, key, open.get(key), session)} class="tiny" busy={open.has(key)} press={() => void wheel.ask(name, { value })}>
                {label}
              </Reasoned>
            </div>
            {wheel.failures.has(key) && <p class="fate bad" role="alert">{wheel.failures.get(key)}</p>}
          </div>
        );
      })}
    </>
  );
}

/** By which name others are told of what this viewer asks. */
function Who({ session }: { session: RunSession }) {
  const [name, setName] = useState<string | null>(null);
  const { wheel } = session;
  if (name === null) {
    return (
      <p class="fate">
        You ask as {wheel.name || wheel.access?.who || "anyone"}. <button type="button" class="link" onClick={() => setName(wheel.name)}>{wheel.name ? "Change" : "Say who you are"}</button>
      </p>
    );
  }
  const submit = (event: Event): void => {
    event.preventDefault();
    wheel.name = name;
    setName(null);
  };
  return (
    <form class="parameter" onSubmit={submit}>
      <div class="line">
        <input class="text" type="text" maxLength={100} autocomplete="nickname" aria-label="Your name" placeholder="your name" value={name}
          ref={(field) => field?.focus()} onInput={(event) => setName(event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && setName(null)} />
        <button type="submit">Keep</button>
      </div>
    </form>
  );
}

/** What was asked last, by whom, and what became of it. */
function Latest({ session, state }: { session: RunSession; state: State }) {
  const latest = latestCommands(state.commands, LATEST);
  if (latest.length === 0) return null;
  return (
    <div class="latest" role="status" aria-label="What was asked last">
      <ul>
        {latest.map((command) => (
          <li key={command.id ?? command.time} class={command.phase} title={clock(command.time, session.now, true)}>
            <b>{deedOf(command)}</b> by {whose(command)}, {fateOf(command)}
          </li>
        ))}
      </ul>
    </div>
  );
}
