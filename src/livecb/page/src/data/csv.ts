import type { Curves } from "./curves";
import type { Look } from "./lines";
import { PLACES, placeOn } from "./series";

/** The points of metrics that stand in a range of the axis, as CSV: a row each, empty where a place is not known. */
export function csvOf(metrics: readonly string[], curves: Pick<Curves, "of">, look: Look, [from, to]: readonly [number, number]): string {
  const zero = look.axis === "time" ? look.zero : 0;
  const known = metrics.map((metric) => ({ metric, series: curves.of(metric, placeOn(look.axis), look.from === null ? null : look.from + zero) }));
  const places = PLACES.filter((place) => known.some(({ series }) => series?.[place].view().some(Number.isFinite)));
  const rows = [["metric", ...places, "value", "attempt", "abandoned"]];
  for (const { metric, series } of known) {
    for (let i = 0; series && i < series.length; i++) {
      const x = series.x(look.axis, i) - zero;
      if (!(x >= from && x <= to)) continue;
      const at = places.map((place) => number(series[place].at(i)));
      rows.push([metric, ...at, String(series.value.at(i)), String(series.attempt.at(i)), series.abandoned.at(i) ? "true" : "false"]);
    }
  }
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function number(held: number): string {
  return Number.isNaN(held) ? "" : String(held);
}

function cell(text: string): string {
  // A spreadsheet would run what begins like a formula: a name of a metric is no formula.
  const safe = /^[=+@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
