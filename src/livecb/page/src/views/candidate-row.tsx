import { useState } from "preact/hooks";
import type { Candidate } from "../../client/api";
import { toNumber } from "../../client/number";
import { brief, importancesOf, keyOf, outcomeOf, paramsOf, reasonOf, stageWords, togetherWords, type Layout } from "../data/board";
import { count, seconds, value } from "../data/format";

export interface RowProps {
  row: Candidate;
  layout: Layout;
  wholes: ReadonlySet<string>;
  width: number;
  fresh: boolean;
}

export function Row({ row, layout, wholes, width, fresh }: RowProps) {
  const [open, setOpen] = useState(false);
  const params = new Map(paramsOf(row).map((entry) => [entry.key, entry.text]));
  const stage = stageWords(row);
  const together = layout.together ? togetherWords(row, layout.same) : "";
  const hasMore = layout.together || Object.keys(row.importances ?? {}).length > 0;
  return (
    <>
      <tr data-key={keyOf(row)} class={[row.place === 1 ? "first" : "", fresh ? "new" : ""].join(" ").trim()}>
        <td class="n">{row.place}</td>
        <th scope="row" title={row.name}>
          <Name {...{ row, hasMore, open, setOpen }} />
          {stage && <span class="stage">{stage}</span>}
        </th>
        {layout.scores.map((name, i) => (
          <td key={name} class={i === 0 ? "now" : ""}>
            {name in (row.scores ?? {}) ? value(toNumber(row.scores?.[name]), 4, wholes.has(name)) : ""}
          </td>
        ))}
        <td>{row.fit_seconds == null ? "" : seconds(row.fit_seconds)}</td>
        {layout.columns.map((name) => <td key={name} class="param" title={params.get(name)}>{brief(params.get(name) ?? "")}</td>)}
        {layout.together && <td class="param" title={together}>{together}</td>}
      </tr>
      {open && <MoreRow {...{ row, width }} />}
    </>
  );
}

/** One that has no score: why, and under its name what it was tried with. */
export function FailedRow({ row, width, fresh }: Omit<RowProps, "layout" | "wholes">) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr data-key={keyOf(row)} class={`${outcomeOf(row) ? "pruned" : "fail"} ${fresh ? "new" : ""}`}>
        <td class="n">–</td>
        <th scope="row" title={row.name}><Name {...{ row, open, setOpen }} hasMore={paramsOf(row).length > 0} /></th>
        <td colSpan={width - 2}><span class="reason">{reasonOf(row)}</span></td>
      </tr>
      {open && <MoreRow {...{ row, width }} />}
    </>
  );
}

interface NameProps {
  row: Candidate;
  hasMore: boolean;
  open: boolean;
  setOpen(open: boolean): void;
}

/** A candidate's name, which opens what does not fit into its row. */
function Name({ row, hasMore, open, setOpen }: NameProps) {
  if (!hasMore) return <>{row.name}</>;
  return <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>{row.name}</button>;
}

function MoreRow({ row, width }: { row: Candidate; width: number }) {
  return <tr class="more-of"><td /><td colSpan={width - 1}><More row={row} /></td></tr>;
}

const MOST_FEATURES = 10;

/** What does not fit into a row: all parameters, and the features that matter most. */
function More({ row }: { row: Candidate }) {
  const features = importancesOf(row, MOST_FEATURES);
  const left = Object.keys(row.importances ?? {}).length - features.length;
  return (
    <div class="two">
      <dl class="mono">
        {paramsOf(row).map(({ key, text: held }) => <div key={key}><dt>{key}</dt><dd>{held}</dd></div>)}
      </dl>
      {features.length > 0 && (
        <div>
          {features.map(({ name, importance, part }) => (
            <div key={name} class="meter">
              <span>{name}</span>
              <b>{value(importance, 3, false)}</b>
              <i aria-hidden="true"><u style={{ width: `${part * 100}%` }} /></i>
            </div>
          ))}
          {left > 0 && <p class="more">and {count(left)} more</p>}
        </div>
      )}
    </div>
  );
}
