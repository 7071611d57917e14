import { useEffect, useRef } from "preact/hooks";
import { axisTime } from "../data/axis";
import { axisWords } from "../data/axes";
import { clock, count, value } from "../data/format";
import type { Look } from "../data/lines";
import { MOST_ROWS, tableOf, wayOf, type Course } from "../data/table";
import type { ToolProps } from "./chart-tools";

/** A chart in words and numbers, as it is when this opens, or has its first values: for who does not see it, and for exact values. */
export function ChartTable({ session, chart, look, range, close }: ToolProps & { close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const held = useRef<ReturnType<typeof tableOf> | null>(null);
  if (!held.current?.courses.length) held.current = tableOf(chart.lines, session.curves, look, range);
  const table = held.current;
  useEffect(() => dialog.current?.showModal(), []);
  const where = (x: number): string => placeWords(x, look, session.now);
  const [first, last] = [table.x[0], table.x.at(-1)];
  return (
    <dialog ref={dialog} class="help chart-table" aria-labelledby="table-title" onClose={close}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div class="sheet-of">
        <p class="top">
          <b id="table-title">{chart.title}</b>
          {first !== undefined && <span class="soft">{axisWords(look.axis)} {where(first)} to {where(last as number)}</span>}
          <button type="button" class="small" onClick={() => dialog.current?.close()}>Close</button>
        </p>
        {table.courses.length === 0 && <p class="soft">No values in the part that is shown.</p>}
        <ul class="courses">{table.courses.map((course) => <li key={course.metric}><b>{course.label}</b> {courseWords(course, where)}</li>)}</ul>
        {table.courses.length > 0 && (
          <div class="scroll rows-of" tabIndex={0} role="region" aria-label={`Values of ${chart.title}`}>
            <table class="values">
              <thead>
                <tr><th scope="col">{look.axis}</th>{table.courses.map(({ metric, label }) => <th scope="col" key={metric} title={metric}>{label}</th>)}</tr>
              </thead>
              <tbody>
                {table.x.map((x, row) => (
                  <tr key={row}>
                    <th scope="row">{where(x)}</th>
                    {table.columns.map((column, at) => <td key={at}>{cellWords(column[row])}</td>)}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {table.thinned && <p class="soft more">Of many points about {MOST_ROWS} are here, smallest and largest among them: zoom in for others, or save all as CSV.</p>}
      </div>
    </dialog>
  );
}

function courseWords(course: Course, where: (x: number) => string): string {
  const odd = course.odd > 0 ? ` ${count(course.odd)} values are no finite numbers.` : "";
  if (course.points === 0) return `has no finite value.${odd}`;
  if (course.points === 1) return `is ${value(course.last)} at ${where(course.lowAt)}.${odd}`;
  return `${wayOf(course)}: from ${value(course.first)} to ${value(course.last)}, smallest ${value(course.low)} at ${where(course.lowAt)}, ` +
    `largest ${value(course.high)} at ${where(course.highAt)}; ${count(course.points)} points.${odd}`;
}

function cellWords(held: number | null | undefined): string {
  return held === undefined ? "" : held === null ? "no number" : value(held);
}

function placeWords(x: number, { axis }: Look, now: number): string {
  if (axis === "time") return axisTime(x);
  if (axis === "clock") return clock(x, now, true);
  return axis === "epoch" ? value(x, 3) : count(Math.round(x));
}
