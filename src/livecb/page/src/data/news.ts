import type { State } from "../../client/api";
import type { Alert, ModelCompleted } from "../../client/generated/events";
import { toNumber } from "../../client/number";
import { calledOf } from "./called";
import { value } from "./format";

/** What people are told of, wherever they look. */
export interface News {
  key: string;
  mood: "good" | "warn" | "bad" | "calm";
  title: string;
  text: string;
  /** Whether it is worth a notification and a sound: how a run ended, and alerts. */
  grave: boolean;
  /** Unix seconds. */
  time: number;
}

const ENDS: Record<string, [News["mood"], string]> = {
  completed: ["good", "has completed"], failed: ["bad", "has failed"], stopped: ["calm", "was stopped"], killed: ["bad", "was killed"],
  crashed: ["bad", "has crashed"],
};

type Told = Pick<State, "run" | "name" | "status" | "now" | "ended" | "error" | "reason" | "stopped_by" | "alerts">;

/** What is news in a state to who knew the one before. */
export function newsOf(before: Told, now: Told): News[] {
  const known = new Set(before.alerts.map(keyOf));
  const news = now.alerts.filter((alert) => !known.has(keyOf(alert))).map((alert) => ofAlert(alert, now));
  const end = ENDS[now.status];
  if (end && now.status !== before.status) news.push(ofEnd(now, end));
  return news;
}

function ofAlert(alert: Alert, told: Told): News {
  const mood = alert.level === "ERROR" ? "bad" : alert.level === "INFO" ? "calm" : "warn";
  return { key: keyOf(alert), mood, title: alert.title, text: [alert.text, calledOf(told)].filter(Boolean).join(" · "), grave: true, time: alert.time };
}

function ofEnd(told: Told, [mood, words]: [News["mood"], string]): News {
  const { status, error, reason, stopped_by, ended, now } = told;
  const text = error ?? (stopped_by ? `by ${stopped_by}` : (reason ?? "").replaceAll("_", " "));
  return { key: `${status} ${ended}`, mood, title: `${calledOf(told)} ${words}`, text, grave: true, time: ended ?? now };
}

/** A candidate that is done, with its scores, or why it has none. */
export function newsOfModel(model: ModelCompleted): News {
  const scores = Object.entries(model.scores ?? {}).slice(0, 2).map(([name, score]) => `${name} ${value(toNumber(score))}`);
  const left = model.ok ? "" : (model.outcome ?? "failed");
  const text = model.ok ? scores.join(" · ") : [left, model.reason].filter(Boolean).join(": ");
  const mood = model.ok ? "good" : left === "failed" ? "bad" : "calm";
  return { key: `${model.rank ?? 0} ${model.seq} ${model.time}`, mood, title: model.name, text, grave: false, time: model.time };
}

function keyOf(alert: Alert): string {
  return `${alert.rank ?? 0} ${alert.seq} ${alert.time} ${alert.title}`;
}
