import type { State } from "../../client/api";
import type { Command } from "../../client/generated/events";
import { toNumber } from "../../client/number";
import { count, value } from "./format";

/** A value that readers may set; `reason` says why not. */
export interface Parameter {
  name: string;
  value?: unknown;
  min?: number | null;
  max?: number | null;
  reason?: string | null;
}

/** What can be asked of a run: why each command cannot be obeyed, empty where it can; and what can be set. */
export interface Controls {
  commands: Record<string, string>;
  parameters: Parameter[];
  /** Of commands about candidates: the names that each can be about; the first to skip is under way. */
  candidates?: Record<string, string[]>;
}

/** What a button says, and what is said of the command once it was applied. */
const VERBS: Record<string, [button: string, done: string]> = {
  pause: ["Pause", "paused"], resume: ["Resume", "resumed"], stop: ["Stop", "stopped"], save: ["Save now", "saved"],
  evaluate: ["Evaluate now", "evaluated"], sample: ["Sample now", "samples made"], skip: ["Skip", "skipped"],
  drop: ["Drop", "dropped"], add: ["Add", "added"], set: ["Set", "set"],
};
const SHOWN = ["pause", "stop", "save", "evaluate", "sample"];
const OF_CANDIDATES = ["skip", "drop", "add"];

export interface Asked {
  /** Names what is asked: the command, or the parameter that is set. */
  key: string;
  by: string;
}

/** One thing to press: what it asks, and why it cannot be pressed now, if it cannot. */
export interface Button {
  name: string;
  label: string;
  reason: string | null;
  /** Whose wish it is that has been asked and not answered yet. */
  asked: Asked | null;
}

export function verb(name: string): string {
  return VERBS[name]?.[0] ?? name;
}

/** What a command is about: it, the parameter that it sets, or the candidate that it names. */
export function keyOf(name: string, parameter?: string | null, about?: unknown): string {
  if (name === "set") return `set ${parameter}`;
  return OF_CANDIDATES.includes(name) && typeof about === "string" ? `${name} ${about}` : name;
}

export type Steered = Pick<State, "status" | "alive" | "attempt_started"> & { controls: Controls | null; commands: Command[] };

/** What was asked in this attempt and has no answer yet, by what it is about. */
export function pending(state: Pick<Steered, "commands" | "attempt_started">): Map<string, Asked> {
  const open = new Map<string | null | undefined, Asked>();
  for (const command of state.commands) {
    const { id, name, parameter, time, phase } = command;
    if (phase !== "asked") open.delete(id);
    else if (time >= (state.attempt_started ?? 0)) open.set(id, { key: keyOf(name, parameter, command.new), by: whose(command) });
  }
  return new Map([...open.values()].map((asked) => [asked.key, asked]));
}

/** Whether anything can be asked of the run at all: it lives, and has said what it obeys. */
export function canAsk(state: Steered): state is Steered & { controls: Controls } {
  return state.alive && state.controls !== null;
}

/**
 * What a parameter is now. A schedule changes it and says so only in the metric of its name: that holds where it came
 * after the attempt began and after it was last set.
 */
export function valueNow({ name, value: held }: Parameter, state: Pick<State, "metrics" | "attempt_started"> & { commands: Command[] }): unknown {
  const metric = state.metrics[name];
  if (typeof held !== "number" || !metric) return held;
  const measured = toNumber(metric.value);
  const set = state.commands.filter((command) => command.name === "set" && command.parameter === name && command.phase === "applied");
  const since = Math.max(state.attempt_started ?? 0, ...set.map(({ time }) => time));
  return metric.time > since && Number.isFinite(measured) ? measured : held;
}

/** The buttons of a run: of pausing and going on the one that fits. */
export function buttonsOf(state: Steered): Button[] {
  if (!canAsk(state)) return [];
  const { commands } = state.controls;
  const open = pending(state);
  const shown = SHOWN.map((name) => (name === "pause" && state.status === "paused" ? "resume" : name));
  return shown.filter((name) => name in commands).map((name) => ({
    name, label: name === "stop" && commands.save === "" ? "Stop and save" : verb(name),
    reason: commands[name] || null, asked: open.get(name) ?? null,
  }));
}

/** The commands about candidates, and the names that each can be about; those that cannot be asked with the reason. */
export function choicesOf(state: Steered): (Omit<Button, "asked"> & { candidates: string[] })[] {
  if (!canAsk(state)) return [];
  const { commands, candidates = {} } = state.controls;
  return OF_CANDIDATES.filter((name) => name in commands && (commands[name] === "" || candidates[name]?.length)).map((name) => ({
    name, label: verb(name), reason: commands[name] || null, candidates: candidates[name] ?? [],
  }));
}

/** The one reason why nothing at all can be asked; null where something can, or the reasons differ. */
export function commonReason(buttons: readonly Button[], parameters: readonly Parameter[]): string | null {
  const reasons = new Set([...buttons.map(({ reason }) => reason), ...parameters.map(({ reason }) => reason ?? null)]);
  const [only] = reasons;
  return reasons.size === 1 && only ? only : null;
}

export interface Pause {
  by: string;
  since: number;
  /** When it goes on by itself, if that is known. */
  until: number | null;
}

/** Who holds a paused run, since when, and until when at most. */
export function pauseOf(state: Pick<Steered, "status" | "commands">): Pause | null {
  if (state.status !== "paused") return null;
  const last = [...state.commands].reverse().find(({ name, phase }) => phase === "applied" && (name === "pause" || name === "resume"));
  if (last?.name !== "pause") return null;
  const lasts: unknown = last.new;
  return { by: whose(last), since: last.time, until: typeof lasts === "number" ? last.time + lasts : null };
}

/** Who asked. */
export function whose(command: Pick<Command, "by">): string {
  return command.by || "anyone";
}

/** A number to the six digits that people read; the log has them all. Whole ones stay whole. */
export function readable(held: number): number {
  return Number.isInteger(held) ? held : Number(held.toPrecision(6));
}

/** A number as it stands in a field, where there is little room: one that is typed again means the same. */
export function typed(held: number): string {
  const [plain, short] = [String(readable(held)), readable(held).toExponential()];
  return Math.abs(held) < 1e-3 && short.length < plain.length ? short : plain;
}

/** A value of a parameter, as people read it. */
export function given(held: unknown): string {
  if (typeof held === "number") return exact(held);
  if (typeof held === "boolean") return held ? "on" : "off";
  return typeof held === "string" ? (held === "" ? "“”" : held) : held == null ? "–" : JSON.stringify(held);
}

function exact(held: number): string {
  const meant = readable(held);
  const short = value(meant, 3);
  const back = Number(short.replaceAll(",", "").replaceAll("\u2212", "-"));
  return back === meant ? short.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") : String(meant).replace(/^-/, "\u2212");
}

/** What a command did, or was to do, in a few words. */
export function deedOf(command: Command): string {
  const { name, phase, parameter } = command;
  const [old, fresh] = [command.old, command.new] as [unknown, unknown];
  if (name === "set") {
    if (phase === "applied") return `${parameter} ${given(old)} → ${given(fresh)}`;
    return `${parameter} = ${given(fresh)}`;
  }
  const about = OF_CANDIDATES.includes(name) && typeof fresh === "string" ? ` ${fresh}` : "";
  if (phase === "applied") return (VERBS[name]?.[1] ?? name) + about;
  return verb(name).toLowerCase() + about;
}

/** Where it stands with what was asked: asked, applied at a step, or refused with the reason. */
export function fateOf(command: Command): string {
  const step = command.step == null ? "" : ` at step ${count(command.step)}`;
  if (command.phase === "applied") return `applied${step}${command.reason ? `: ${command.reason}` : ""}`;
  if (command.phase === "refused") return `refused${command.reason ? `: ${command.reason}` : ""}`;
  return "asked, not obeyed yet";
}

/** The newest commands, each once with what became of it, the newest first. */
export function latestCommands(commands: readonly Command[], most: number): Command[] {
  const seen = new Set<string>();
  const found: Command[] = [];
  for (const command of [...commands].reverse()) {
    const key = command.id ?? `${command.name}${command.time}`;
    if (seen.has(key)) continue;
    seen.add(key);
    found.push(command);
    if (found.length === most) break;
  }
  return found;
}
