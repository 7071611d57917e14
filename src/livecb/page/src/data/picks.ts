import type { RunRow } from "../../client/api";
import { toNumber } from "../../client/number";
import { MOST_SMOOTHING } from "./settings";

/** What is chosen of the list of runs: it stands in the address, so that a link shows the same. */
export interface Picks {
  words: string;
  status: "" | "active" | "over" | "bad";
  project: string;
  tag: string;
  archived: boolean;
  /** A column, with a `-` before it where the largest stand first. */
  sort: string;
  selected: string[];
  /** The baseline that runs are held against. */
  baseline: string;
  compare: boolean;
  /** How the charts of compared runs are drawn. */
  axis: CompareAxis;
  log: boolean;
  smoothing: number;
}

/** What several runs can be laid over one another by: `time` is since each began. */
export const COMPARE_AXES = ["step", "epoch", "time"] as const;
export type CompareAxis = (typeof COMPARE_AXES)[number];

export const NOTHING: Picks = {
  words: "", status: "", project: "", tag: "", archived: false, sort: "-started", selected: [], baseline: "", compare: false,
  axis: "step", log: false, smoothing: 0,
};

/** Read what is chosen off the query of an address. */
export function picksOf(query: string): Picks {
  const said = new URLSearchParams(query);
  const status = said.get("status") ?? "";
  const smoothing = Number(said.get("smooth"));
  return {
    words: said.get("find") ?? "", project: said.get("project") ?? "", tag: said.get("tag") ?? "",
    status: (["active", "over", "bad"].includes(status) ? status : "") as Picks["status"],
    archived: said.get("archived") === "1", sort: said.get("sort") ?? NOTHING.sort,
    selected: [...new Set((said.get("runs") ?? "").split(",").filter(Boolean))],
    baseline: said.get("baseline") ?? "", compare: said.get("compare") === "1",
    axis: COMPARE_AXES.find((axis) => axis === said.get("x")) ?? NOTHING.axis, log: said.get("log") === "y",
    smoothing: smoothing > 0 && smoothing <= MOST_SMOOTHING ? smoothing : NOTHING.smoothing,
  };
}

/** The query that says what is chosen; nothing where nothing is. */
export function queryOf(picks: Picks): string {
  const said = new URLSearchParams();
  const put = (name: string, held: string): void => void (held && said.set(name, held));
  put("find", picks.words);
  put("status", picks.status);
  put("project", picks.project);
  put("tag", picks.tag);
  put("archived", picks.archived ? "1" : "");
  put("sort", picks.sort === NOTHING.sort ? "" : picks.sort);
  put("runs", picks.selected.join(","));
  put("baseline", picks.baseline);
  put("compare", picks.compare ? "1" : "");
  put("x", picks.axis === NOTHING.axis ? "" : picks.axis);
  put("log", picks.log ? "y" : "");
  put("smooth", picks.smoothing === NOTHING.smoothing ? "" : String(picks.smoothing));
  const text = said.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : "";
}

const BAD = new Set(["failed", "killed", "crashed"]);

/** Whether a run is among those that are meant. */
export function isMeant(row: RunRow, { words, status, project, tag, archived }: Picks): boolean {
  if (Boolean(row.archived) !== archived) return false;
  const over = row.ended !== null || row.status === "crashed";
  if (status === "bad" ? !BAD.has(row.status) : status !== "" && over !== (status === "over")) return false;
  if (project && row.project !== project) return false;
  if (tag && !row.tags.includes(tag)) return false;
  const held = [row.run, row.name, row.project, row.status, row.framework, ...row.tags].join(" ").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => held.includes(word));
}

type Key = (row: RunRow) => number | string | null;

/** The best value of a metric, the last one where its name does not tell which way is better; null where there is none. */
export function bestOf(row: RunRow, metric: string): number | null {
  const held = row.metrics[metric];
  if (!held) return null;
  const number = toNumber(held.best ?? held.value);
  return Number.isNaN(number) ? null : number;
}

const KEYS: Record<string, Key> = {
  name: (row) => row.name.toLowerCase(), status: (row) => row.status, started: (row) => row.started, elapsed: (row) => row.elapsed,
  progress: (row) => row.progress?.fraction ?? null,
};

/** Sort rows; those of which it is not known stand last, and of equal ones those that began last first. */
export function sorted(rows: readonly RunRow[], sort: string): RunRow[] {
  const turned = sort.startsWith("-");
  const column = sort.replace(/^-/, "");
  const key = (Object.hasOwn(KEYS, column) && KEYS[column]) || ((row: RunRow) => bestOf(row, column));
  return [...rows].sort((a, b) => {
    const [one, other] = [key(a), key(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null) || newest(a, b);
    if (one === other) return newest(a, b);
    return (one < other ? -1 : 1) * (turned ? -1 : 1);
  });
}

function newest(a: RunRow, b: RunRow): number {
  return (b.started ?? 0) - (a.started ?? 0) || (a.run < b.run ? 1 : -1);
}

/** The metrics that most of the runs have, those that tell most first. */
export function columnsOf(rows: readonly RunRow[], most: number): string[] {
  const seen = new Map<string, { count: number; place: number }>();
  for (const row of rows) {
    Object.keys(row.metrics).forEach((name, place) => {
      const known = seen.get(name) ?? { count: 0, place: 0 };
      seen.set(name, { count: known.count + 1, place: known.place + place });
    });
  }
  const score = ([, { count, place }]: [string, { count: number; place: number }]): number => count / (1 + place / count);
  return [...seen].sort((a, b) => score(b) - score(a)).slice(0, most).map(([name]) => name);
}

/** Words that several rows say, in their order: for a list to choose from. */
export function saidBy(rows: readonly RunRow[], word: (row: RunRow) => readonly (string | null)[]): string[] {
  return [...new Set(rows.flatMap(word))].filter((held): held is string => Boolean(held)).sort();
}
