import type { ChartSpec } from "./charts";

/** Charts that stand together: those whose titles begin alike. */
export interface Group {
  /** Empty for those that begin like no other. */
  name: string;
  charts: ChartSpec[];
}

/** Up to so many charts stand in one group. */
const FEW = 12;
/** Of more groups, only the first is open. */
const OPEN_CHARTS = 40;

/** Group charts by what stands before the first slash of their titles; the pinned ones first, in a group of their own. */
export function groupsOf(charts: readonly ChartSpec[], pinned: readonly string[] = []): Group[] {
  const first = pinned.flatMap((title) => charts.find((chart) => chart.title === title) ?? []);
  const rest = charts.filter((chart) => !first.includes(chart));
  const groups = first.length > 0 ? [{ name: PINNED, charts: first }] : [];
  if (rest.length <= FEW) return rest.length > 0 ? [...groups, { name: "", charts: rest }] : groups;
  const sizes = new Map<string, number>();
  for (const { title } of rest) sizes.set(prefixOf(title), (sizes.get(prefixOf(title)) ?? 0) + 1);
  const byName = new Map<string, ChartSpec[]>([["", []]]);
  for (const chart of rest) {
    const prefix = prefixOf(chart.title);
    const name = (sizes.get(prefix) ?? 0) > 1 ? prefix : "";
    byName.set(name, [...(byName.get(name) ?? []), chart]);
  }
  const named = [...byName].filter(([, held]) => held.length > 0).sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  return [...groups, ...named.map(([name, held]) => ({ name, charts: held }))];
}

export const PINNED = "pinned";

function prefixOf(title: string): string {
  const at = title.search(/[/.]/);
  return at > 0 ? title.slice(0, at) : "";
}

/** Whether a group is open: all are where there are few charts, else the first ones; the viewer may have turned that round. */
export function isOpen(groups: readonly Group[], group: Group, folds: readonly string[]): boolean {
  const all = groups.reduce((sum, { charts }) => sum + charts.length, 0);
  const usually = all <= OPEN_CHARTS || group.name === PINNED || group === groups.find(({ name }) => name !== PINNED);
  return folds.includes(group.name) ? !usually : usually;
}
