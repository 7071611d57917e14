import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Baseline, RunRow } from "../../client/api";
import { toNumber } from "../../client/number";
import { calledOf, idBeside } from "../data/called";
import { deltaOf, type Told } from "../data/against";
import { ago, change, clock, count, duration, percent, value } from "../data/format";
import type { Shelf } from "../shelf";
import { fractionOf } from "./hero";
import { Reasoned } from "./reasoned";
import { frameworkWords, moodOf, statusWord } from "./words";

interface Props {
  row: RunRow;
  columns: readonly string[];
  shelf: Shelf;
  baseline: Baseline | null;
  now: number;
  href: string;
  selected: boolean;
  open(run: string): void;
  toggle(): void;
  pickTag(tag: string): void;
}

/** One run of the list. */
export function RunLine({ row, columns, shelf, baseline, now, href, selected, open, toggle, pickTag }: Props) {
  const fraction = fractionOf(row);
  const mood = moodOf(row.status);
  const onClick = (event: MouseEvent): void => {
    const inside = (event.target as HTMLElement).closest("button, input, label, .reasoned, form");
    if (inside || getSelection()?.toString()) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    open(row.run);
  };
  return (
    <tr class={`run-row ${selected ? "chosen" : ""}`} data-run={row.run} onClick={onClick}>
      <td class="tick"><label><input type="checkbox" aria-label={`Select ${row.name}`} checked={selected} onChange={toggle} /></label></td>
      <th class="who" scope="row">
        <Name {...{ row, shelf, href }} isBaseline={baseline?.run === row.run} />
        <span class="sub">
          <span class="meta">{[row.project, ...frameworkWords(row), idBeside(row)].filter(Boolean).join(" · ")}</span>
          <Tags {...{ row, shelf, pickTag }} />
        </span>
      </th>
      <td><span class={`chip ${mood}`} title={row.error}>{statusWord(row.status)}</span></td>
      <td class="how">
        <span class={`track small ${mood}`} aria-hidden="true"><i style={{ width: `${(fraction ?? 0) * 100}%` }} /></span>
        <span class="meta">{progressWords(row, fraction, now)}</span>
      </td>
      <td class="spark"><Sparkline spark={row.spark} /></td>
      {columns.map((name) => <td key={name} class="metric"><Best {...{ row, name, baseline }} /></td>)}
      <td class="age" title={row.started ? clock(row.started, now, true) : ""}>{row.started === null ? "" : ago(now - row.started)}</td>
    </tr>
  );
}

interface NameProps {
  row: RunRow;
  shelf: Shelf;
  href: string;
  isBaseline: boolean;
}

/** The run's name, which can be changed where it stands. */
function Name({ row, shelf, href, isBaseline }: NameProps) {
  const [editing, setEditing] = useState(false);
  if (editing) {
    const done = (name: string | null): void => {
      setEditing(false);
      if (name !== null && name.trim() !== row.name) void shelf.rename(row, name.trim());
    };
    return <Field label={`Name of ${row.name}`} held={row.name} done={done} />;
  }
  return (
    <span class="named">
      <a class="name" dir="auto" href={href} title={row.name}>{calledOf(row)}</a>
      {isBaseline && <span class="chip good">baseline</span>}
      <Reasoned class="pen" reason={shelf.barred("control")} press={() => setEditing(true)}>
        <span class="sr">Rename {row.name}</span><span aria-hidden="true">✎</span>
      </Reasoned>
    </span>
  );
}

/** A field that Enter takes and Escape leaves as it was. */
function Field({ label, held, done }: { label: string; held: string; done(text: string | null): void }) {
  const field = useRef<HTMLInputElement>(null);
  const isOver = useRef(false);
  // At once: what is typed right after the press is meant for the field.
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const finish = (text: string | null): void => {
    if (isOver.current) return; // a field that goes loses the focus, too
    isOver.current = true;
    done(text);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") finish(null);
    if (event.key === "Enter") finish(field.current?.value ?? null);
  };
  return (
    <input class="find inline" aria-label={label} defaultValue={held} maxLength={500} onKeyDown={onKey} ref={field}
      onBlur={(event) => finish(event.currentTarget.value)} />
  );
}

function Tags({ row, shelf, pickTag }: { row: RunRow; shelf: Shelf; pickTag(tag: string): void }) {
  const [adding, setAdding] = useState(false);
  const reason = shelf.barred("control");
  const add = (said: string | null): void => {
    setAdding(false);
    const fresh = (said ?? "").split(",").map((tag) => tag.trim()).filter(Boolean);
    if (fresh.length > 0) void shelf.retag([row], (tags) => [...new Set([...tags, ...fresh])], `${row.name} is tagged ${fresh.join(", ")}.`);
  };
  return (
    <span class="tags">
      {row.tags.map((tag) => (
        <span key={tag} class="tag">
          <button type="button" title={`Show only runs with the tag ${tag}`} onClick={() => pickTag(tag)}>{tag}</button>
          {reason === null && (
            <button type="button" class="off" aria-label={`Take the tag ${tag} off ${row.name}`}
              onClick={() => void shelf.retag([row], (tags) => tags.filter((held) => held !== tag), `${row.name} is no longer tagged ${tag}.`)}>×</button>
          )}
        </span>
      ))}
      {adding ? <Field label={`Tags for ${row.name}, with commas between them`} held="" done={add} /> : (
        <Reasoned class="pen" reason={reason} press={() => setAdding(true)}>
          <span class="sr">Tag {row.name}</span><span aria-hidden="true">+ tag</span>
        </Reasoned>
      )}
    </span>
  );
}

const WIDTH = 96;
const HEIGHT = 26;

/** The way of a metric at a glance. */
function Sparkline({ spark }: { spark: RunRow["spark"] }) {
  if (!spark || spark.y.length < 2) return null;
  const [low, high] = [Math.min(...spark.y), Math.max(...spark.y)];
  const points = spark.y.map((y, i) => {
    const x = 1 + (i * (WIDTH - 2)) / (spark.y.length - 1);
    return `${x.toFixed(1)},${(HEIGHT - 2 - ((y - low) / (high - low || 1)) * (HEIGHT - 4)).toFixed(1)}`;
  });
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={`${spark.name}, from ${value(spark.y[0] as number)} to ${value(spark.y.at(-1) as number)}`}>
      <title>{spark.name}</title>
      <polyline points={points.join(" ")} />
    </svg>
  );
}

/** What a run has reached in a metric, and how that is beside the baseline. */
function Best({ row, name, baseline }: { row: RunRow; name: string; baseline: Baseline | null }) {
  const held = row.metrics[name];
  if (!held) return <span class="soft">–</span>;
  const best = held.best !== null && held.best !== undefined;
  const shown = toNumber(best ? held.best : held.value);
  const delta = baseline && baseline.run !== row.run ? deltaOf(held, baseline.metrics[name] as Told | undefined) : null;
  return (
    <>
      <span class="k">{name}</span>
      <b title={best ? `best of ${name}; now ${value(toNumber(held.value))}` : `${name} now`}>{value(shown)}</b>
      {delta && (
        <span class={`delta ${delta.verdict ?? ""}`}>
          {change(delta.difference)}{delta.verdict && <span class="sr"> {delta.verdict} than the baseline</span>}
          {delta.verdict === "better" && <i aria-hidden="true"> ▲</i>}{delta.verdict === "worse" && <i aria-hidden="true"> ▼</i>}
        </span>
      )}
    </>
  );
}

function progressWords(row: RunRow, fraction: number | null, now: number): string {
  const { progress } = row;
  if (row.ended !== null) {
    const far = fraction === null || row.status === "completed" ? "" : percent(fraction);
    const whose = row.attempt > 1 ? `attempt ${row.attempt}` : "";
    return [far, whose, row.elapsed === null ? "" : `after ${duration(row.elapsed)}`].filter(Boolean).join(" · ");
  }
  if (fraction === null) return progress ? `${progress.unit} ${count(progress.done)}` : "";
  const left = progress?.finish ? `${duration(Math.max(0, progress.finish - now))} left` : "";
  return [percent(fraction), left].filter(Boolean).join(" · ");
}
