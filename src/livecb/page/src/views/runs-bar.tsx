import { useState } from "preact/hooks";
import type { RunRow } from "../../client/api";
import { spokenId } from "../data/called";
import { MOST_COMPARED, baselineName } from "../data/against";
import { count } from "../data/format";
import { saidBy, type Picks } from "../data/picks";
import type { Shelf } from "../shelf";
import { Reasoned } from "./reasoned";

interface FilterProps {
  rows: readonly RunRow[];
  shelf: Shelf;
  picks: Picks;
  found: number;
  change(part: Partial<Picks>): void;
}

/** What the list is narrowed down to. */
export function FilterBar({ rows, shelf, picks, found, change }: FilterProps) {
  const projects = saidBy(rows, (row) => [row.project]);
  const tags = saidBy(rows, (row) => row.tags);
  const away = rows.filter((row) => row.archived).length;
  return (
    <div class="bar filters" role="search" aria-label="Which runs">
      <input class="find" type="search" placeholder="find a run …" aria-label="Find a run" value={picks.words}
        onInput={(event) => change({ words: event.currentTarget.value })} />
      <Choice label="Status" held={picks.status} choose={(status) => change({ status: status as Picks["status"] })}
        options={[["", "any status"], ["active", "going on"], ["over", "over"], ["bad", "failed, killed, crashed"]]} />
      {(projects.length > 1 || picks.project) && (
        <Choice label="Project" held={picks.project} choose={(project) => change({ project })} options={[["", "all projects"], ...named(projects, picks.project)]} />
      )}
      {(tags.length > 0 || picks.tag) && (
        <Choice label="Tag" held={picks.tag} choose={(tag) => change({ tag })} options={[["", "any tag"], ...named(tags, picks.tag)]} />
      )}
      {(shelf.baselines.length > 0 || picks.baseline) && (
        <Choice label="Baseline" held={picks.baseline} choose={(baseline) => change({ baseline })}
          options={[["", "no baseline"], ...named(shelf.baselines.map(({ name }) => name), picks.baseline).map(([name]): [string, string] => [name, `against ${name}`])]} />
      )}
      {(away > 0 || picks.archived) && (
        <button type="button" class={`small ${picks.archived ? "on" : ""}`} aria-pressed={picks.archived} onClick={() => change({ archived: !picks.archived })}>
          put away ({count(away)})
        </button>
      )}
      <span class="meta tally" role="status">{found === 1 ? "1 run" : `${count(found)} runs`}</span>
    </div>
  );
}

function named(names: readonly string[], held: string): [string, string][] {
  return [...new Set([...names, held])].filter(Boolean).map((name) => [name, name]);
}

interface ChoiceProps {
  label: string;
  held: string;
  options: [string, string][];
  choose(held: string): void;
}

export function Choice({ label, held, options, choose }: ChoiceProps) {
  return (
    <select class="choice" aria-label={label} value={held} onChange={(event) => choose(event.currentTarget.value)}>
      {options.map(([name, words]) => <option key={name} value={name}>{words}</option>)}
    </select>
  );
}

interface SelectionProps {
  rows: readonly RunRow[];
  shelf: Shelf;
  picks: Picks;
  change(part: Partial<Picks>): void;
}

/** What can be done with the runs that are selected. */
export function SelectionBar({ rows, shelf, picks, change }: SelectionProps) {
  const [tagging, setTagging] = useState(false);
  const [only] = rows as [RunRow];
  const control = shelf.barred("control");
  const admin = shelf.barred("admin");
  const live = rows.filter((row) => row.ended === null && row.status !== "crashed");
  const away = rows.every((row) => row.archived);
  const compared = rows.length < 2 ? "Select two runs or more to compare them."
    : rows.length > MOST_COMPARED ? `At most ${MOST_COMPARED} runs can be told apart in one chart.` : null;
  const deleted = admin ?? (live.length > 0 ? `${live.length === 1 ? (live[0] as RunRow).name : `${live.length} of them`} still goes on: what is being written cannot be deleted.` : null);
  const marked = admin ?? (rows.length === 1 ? null : "Select one run: what it has reached becomes the baseline.");
  const clear = (): void => change({ selected: [] });
  const tag = (said: string): void => {
    setTagging(false);
    const fresh = said.split(",").map((word) => word.trim()).filter(Boolean);
    if (fresh.length > 0) void shelf.retag(rows, (tags) => [...new Set([...tags, ...fresh])], `${rows.length === 1 ? only.name : `${rows.length} runs`} tagged ${fresh.join(", ")}.`);
  };
  const mark = async (): Promise<void> => {
    const name = baselineName(only.name, spokenId(only.run));
    if (await shelf.baseline(name, only)) change({ baseline: name });
  };
  return (
    <div class="selection" role="toolbar" aria-label="The runs that are selected">
      <b role="status">{count(rows.length)} selected</b>
      <Reasoned class="lead" reason={compared} press={() => change({ compare: true })}>Compare</Reasoned>
      {tagging ? (
        <input class="find inline" aria-label="Tags, with commas between them" placeholder="tag, tag …" ref={(input) => input?.focus()}
          onKeyDown={(event) => (event.key === "Enter" ? tag(event.currentTarget.value) : event.key === "Escape" && setTagging(false))} />
      ) : <Reasoned reason={control} press={() => setTagging(true)}>Tag …</Reasoned>}
      <Reasoned reason={control} press={() => void shelf.archive(rows, !away).then(clear)}>{away ? "Bring back" : "Put away"}</Reasoned>
      <Reasoned reason={marked} press={() => void mark()}>Make baseline</Reasoned>
      <Reasoned reason={deleted} press={() => void shelf.delete(rows).then(clear)}>Delete</Reasoned>
      <button type="button" class="small" onClick={clear}>Clear</button>
      {picks.selected.length > rows.length && <span class="meta">{count(picks.selected.length - rows.length)} are not here any more</span>}
    </div>
  );
}

/** What was done last, with what takes it back; or what went wrong with it. */
export function DeedNotice({ shelf }: { shelf: Shelf }) {
  const { deed, failure, busy } = shelf;
  return (
    <div role="status" aria-live="polite">
      {(deed || failure) && (
        <div class={`deed ${failure ? "bad" : ""}`}>
          <span>{[failure, deed?.words].filter(Boolean).join(" ")}</span>
          {deed?.undo && <button type="button" class="small" disabled={busy} onClick={() => void deed.undo?.()}>Undo</button>}
          <button type="button" class="small" aria-label="Dismiss" onClick={() => shelf.forget()}>×</button>
        </div>
      )}
    </div>
  );
}
