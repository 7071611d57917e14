import completed from "../icons/completed.svg";
import failed from "../icons/failed.svg";
import idle from "../icons/idle.svg";
import running from "../icons/running.svg";
import warning from "../icons/warning.svg";
import type { State } from "../../client/api";
import { percent } from "../data/format";
import { hasEnded } from "../session";
import { fractionOf } from "./hero";
import { moodOf, statusWord, type Mood } from "./words";

const ICONS: Record<Mood, string> = { live: running, wait: idle, good: completed, warn: warning, bad: failed, calm: idle };

/** The tab says how far it is, and how it ended. */
export function titleOf(state: State): string {
  const fraction = fractionOf(state);
  const far = hasEnded(state) || fraction === null ? statusWord(state.status) : percent(fraction);
  return `${far} · ${state.name} — livecb`;
}

export function showInTab(title: string, mood: Mood): void {
  if (document.title !== title) document.title = title;
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (icon && icon.href !== ICONS[mood]) icon.href = ICONS[mood];
}

export function showRunInTab(state: State): void {
  showInTab(titleOf(state), moodOf(state.status));
}
