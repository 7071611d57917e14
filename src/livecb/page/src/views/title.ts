import completed from "../icons/completed.svg";
import failed from "../icons/failed.svg";
import idle from "../icons/idle.svg";
import running from "../icons/running.svg";
import eighth1 from "../icons/running-1.svg";
import eighth2 from "../icons/running-2.svg";
import eighth3 from "../icons/running-3.svg";
import eighth4 from "../icons/running-4.svg";
import eighth5 from "../icons/running-5.svg";
import eighth6 from "../icons/running-6.svg";
import eighth7 from "../icons/running-7.svg";
import warning from "../icons/warning.svg";
import type { State } from "../../client/api";
import { calledOf } from "../data/called";
import { percent } from "../data/format";
import { hasEnded } from "../session";
import { fractionOf } from "./hero";
import { moodOf, statusWord, type Mood } from "./words";

const ICONS: Record<Mood, string> = { live: running, wait: idle, good: completed, warn: warning, bad: failed, calm: idle };

const EIGHTHS = [running, eighth1, eighth2, eighth3, eighth4, eighth5, eighth6, eighth7, eighth7];

/** The tab says how far it is, and how it ended. */
export function titleOf(state: State): string {
  const fraction = fractionOf(state);
  const far = hasEnded(state) || fraction === null ? statusWord(state.status) : percent(fraction);
  return `${far} · ${calledOf(state)} — livecb`;
}

/** Tell in the browser's tab how it stands; of what is under way the icon shows how many eighths are done. */
export function showInTab(title: string, mood: Mood, fraction: number | null = null): void {
  if (document.title !== title) document.title = title;
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const shown = mood === "live" && fraction !== null ? (EIGHTHS[Math.floor(fraction * 8)] as string) : ICONS[mood];
  if (icon && icon.getAttribute("href") !== shown) icon.href = shown;
}

export function showRunInTab(state: State): void {
  showInTab(titleOf(state), moodOf(state.status), fractionOf(state));
}
