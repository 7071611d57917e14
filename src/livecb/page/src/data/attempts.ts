import type { State } from "../../client/api";
import { clock, count, duration } from "./format";
import { text } from "./flatten";

type Attempt = State["attempts"][number];

/** One attempt in words: how it stands or ended, when and for how long, and what was set otherwise. */
export interface Told {
  attempt: number;
  status: string;
  fate: string;
  when: string;
  changes: string[];
}

/** All attempts, the latest first. */
export function attemptsOf(attempts: readonly Attempt[], now: number): Told[] {
  return [...attempts].reverse().map((each) => ({
    attempt: each.attempt,
    status: each.status,
    fate: [each.status, each.by === null ? "" : `by ${each.by}`].filter(Boolean).join(" ") + (each.reason ? `: ${each.reason}` : ""),
    when: [
      each.resumed_step === null ? "" : `from step ${count(each.resumed_step)}`,
      each.started === null ? "" : clock(each.started, now),
      each.started === null ? "" : `for ${duration(Math.max(0, (each.ended ?? now) - each.started))}`,
    ].filter(Boolean).join(" · "),
    changes: Object.entries(each.changed).map(([name, [old, fresh]]) =>
      old === null ? `${name} = ${text(fresh)}` : `${name} ${text(old)} → ${text(fresh)}`),
  }));
}

/** Whether an attempt that was said earlier was given up from before there: its branch is not gone on with. */
export function isAbandoned(said: { time: number; step?: number | null }, rewinds: State["rewinds"]): boolean {
  return rewinds.some(({ to_step, time }) => said.time < time && said.step != null && said.step > to_step);
}
