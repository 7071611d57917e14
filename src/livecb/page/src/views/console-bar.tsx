import { useState } from "preact/hooks";
import { goalOf } from "../data/find";
import { count, percent } from "../data/format";
import { asText } from "../data/logs";
import type { RunLog } from "../log";
import type { RunSession } from "../session";
import { copyText, saveText } from "./take-along";

const LEVELS: [string, string][] = [["", "all levels"], ["INFO", "info and up"], ["WARNING", "warnings and up"], ["ERROR", "errors"]];
/** Lines to copy at once; a file holds all. */
const COPIED = 10_000;
const BLOCK = 5_000;

interface Props {
  logs: RunLog;
  session: RunSession;
  /** The line that the search stands at, -1 if it has not begun. */
  current: number;
  goTo(number: number): void;
  onFind(wanted: string, regex: boolean): void;
  from(): number;
}

/** What can be done with a log: choose a level, find, go to a time, take it along. */
export function ConsoleBar(props: Props) {
  const { logs } = props;
  return (
    <>
      <select aria-label="Level" value={logs.level ?? ""} onChange={(event) => logs.choose(event.currentTarget.value || null)}>
        {LEVELS.map(([level, words]) => <option key={level} value={level}>{words}</option>)}
      </select>
      <Finding {...props} />
      <GoTo {...props} />
      <TakeAlong {...props} />
    </>
  );
}

function Finding({ logs, current, goTo, onFind, from }: Props) {
  const [wanted, setWanted] = useState("");
  const [regex, setRegex] = useState(false);
  const [wrong, setWrong] = useState("");
  const ask = (next: string, asRegex: boolean): void => {
    setWanted(next);
    setRegex(asRegex);
    try {
      onFind(next, asRegex);
      setWrong("");
    } catch (error) {
      onFind("", false);
      setWrong(error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : String(error));
    }
  };
  const step = (forward: boolean): void => {
    const next = logs.search?.beside(from(), forward) ?? -1;
    if (next >= 0) goTo(next);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") ask("", regex);
    if (event.key !== "Enter") return;
    event.preventDefault();
    step(!event.shiftKey && current >= 0);
  };
  const { search } = logs;
  const none = !search || search.found.length === 0;
  return (
    <span class="finding" role="search">
      <input class="find" type="search" placeholder="find …" aria-label="Find in the log" value={wanted} onKeyDown={onKey}
        aria-invalid={wrong !== ""} title="Enter: the next one; Shift+Enter: the one before" onInput={(event) => ask(event.currentTarget.value, regex)} />
      <button type="button" class={`small mono ${regex ? "on" : ""}`} aria-pressed={regex} title="Regular expression" aria-label="Regular expression"
        onClick={() => ask(wanted, !regex)}>.*</button>
      <button type="button" class="small" disabled={none} aria-label="Previous match" title="Previous match" onClick={() => step(false)}>↑</button>
      <button type="button" class="small" disabled={none} aria-label="Next match" title="Next match" onClick={() => step(true)}>↓</button>
      <span class={`found ${wrong ? "wrong" : ""}`} role="status">{wrong || foundWords(logs, current)}</span>
    </span>
  );
}

function foundWords({ search }: RunLog, current: number): string {
  if (!search) return "";
  if (search.failure) return `stopped: ${search.failure}`;
  const { found, part } = search;
  const at = current < 0 ? -1 : found.indexOf(current);
  const lines = found.length === 0 && part < 1 ? "" : at >= 0 ? `${count(at + 1)} of ${count(found.length)}` : `in ${count(found.length)} line${found.length === 1 ? "" : "s"}`;
  return part < 1 ? `${lines} · ${percent(part)} searched` : found.length === 0 ? "nowhere" : lines;
}

function GoTo({ logs, session, goTo }: Props) {
  const [wrong, setWrong] = useState("");
  const onSubmit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem("place") as HTMLInputElement;
    const goal = goalOf(input.value, session.state?.updated ?? session.now);
    if (!goal) return setWrong("Expected a time (14:02:30), a while ago (-5m), a step (1200) or a line (#300).");
    try {
      goTo(await logs.placeOf(goal));
      setWrong("");
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form class="going" onSubmit={(event) => void onSubmit(event)}>
      <input class="find" name="place" placeholder="go to 14:02, step 1200 …" aria-label="Go to a time, a step or a line" autocomplete="off"
        title="14:02:30 · 2026-11-21 14:02 · -5m · 1200 (a step) · #300 (a line)" onInput={() => setWrong("")} />
      {wrong && <span class="found wrong" role="alert">{wrong}</span>}
    </form>
  );
}

function TakeAlong({ logs, session, from }: Props) {
  const [told, setTold] = useState("");
  const [busy, setBusy] = useState(false);
  const read = async (begin: number, end: number): Promise<string[]> => {
    const blocks: string[] = [];
    for (let at = begin; at < end; ) {
      const lines = await logs.read(at, Math.min(BLOCK, end - at));
      if (lines.length === 0) break;
      blocks.push(lines.map((event) => `${asText(event, session.now)}\n`).join(""));
      at += lines.length;
      setTold(`${percent((at - begin) / (end - begin))} …`);
    }
    return blocks;
  };
  const take = async (work: () => Promise<string>): Promise<void> => {
    setBusy(true);
    try {
      setTold(await work());
    } catch (error) {
      setTold(`not taken: ${error instanceof Error ? error.message : String(error)}`);
    }
    setBusy(false);
  };
  const all = logs.pages.count ?? 0;
  const copy = (): Promise<void> => take(async () => {
    const end = Math.min(all, from() + 1);
    const begin = Math.max(0, end - COPIED);
    await copyText((await read(begin, end)).join(""));
    return `${count(end - begin)} line${end - begin === 1 ? "" : "s"} copied`;
  });
  const save = (): Promise<void> => take(async () => {
    saveText(`${session.run}.log`, await read(0, all));
    return `${count(all)} lines saved`;
  });
  return (
    <span class="taking">
      <button type="button" class="small" disabled={busy || all === 0} title={`The lines up to here, at most ${count(COPIED)}`} onClick={() => void copy()}>Copy</button>
      <button type="button" class="small" disabled={busy || all === 0} title="All lines of this level, as a text file" onClick={() => void save()}>Save</button>
      <span class="found" role="status">{told}</span>
    </span>
  );
}
