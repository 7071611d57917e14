import type { MetricState } from "../../client/api";
import { byRank } from "./band";

/** One line of a chart. */
export interface LineSpec {
  metric: string;
  label: string;
  /** Index into the palette: the same series has the same colour in every chart. */
  color: number;
  /** From the sixth colour on lines are told apart by dashes too: which kind of them, 0 is none. */
  dash: number;
  /** Whether each point is shown: measurements that come seldom. */
  dots: boolean;
  /** Whether its values are set or chosen, not measured: smoothing would tell what never was. */
  exact: boolean;
  /** Where several ranks say it: the metrics of all of them. */
  ranks?: string[];
}

export interface ChartSpec {
  title: string;
  lines: LineSpec[];
}

const ROLES = ["train", "val", "test"];
const SYNONYMS: Record<string, string> = { valid: "val", validation: "val", eval: "val", dev: "val", training: "train" };
const COLORS = 7;
const UNDASHED = 5;
const DASHES = 3;
const EXACT = /(^|\/)(lr|learning_rate|momentum|weight_decay|beta\d?|epoch)\b|(^|[^a-z])best([^a-z]|$)/i;

/** Group metrics into charts, the most telling first. */
export function chartsOf(metrics: Record<string, MetricState>): ChartSpec[] {
  const groups = new Map<string, [string, MetricState][]>();
  for (const entry of Object.entries(metrics)) {
    const group = groups.get(entry[1].chart) ?? [];
    group.push(entry);
    groups.set(entry[1].chart, group);
  }
  const colors = new Map<string, number>();
  return [...groups]
    .map(([title, entries], place) => ({ title, entries, rank: rankOf(title, entries), place }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place)
    .map(({ title, entries }) => ({ title, lines: linesOf(title, entries, colors) }));
}

function linesOf(title: string, entries: [string, MetricState][], colors: Map<string, number>): LineSpec[] {
  const used = new Set<number>();
  const ranks = byRank(entries.map(([metric]) => metric));
  return entries
    .filter(([metric]) => ranks.has(metric))
    .sort(([, a], [, b]) => roleOf(a.series) - roleOf(b.series))
    .map(([metric, { series }]) => {
      const color = colorOf(entries.length === 1 && roleOf(series) >= ROLES.length ? title : series, colors, used);
      used.add(color);
      const several = ranks.get(metric) as string[];
      return {
        ...(several.length > 1 && { ranks: several }),
        metric,
        label: series.replace(several.length > 1 ? / ?rank \d+$/ : "", "") || title,
        color: color % COLORS,
        dash: color < UNDASHED ? 0 : 1 + (Math.floor((color - UNDASHED) / COLORS) % DASHES),
        dots: roleOf(series) === 1 || roleOf(series) === 2,
        exact: EXACT.test(title) || EXACT.test(metric),
      };
    });
}

// A role has its own colour; what has none takes the next free one and keeps it.
function colorOf(series: string, colors: Map<string, number>, used: Set<number>): number {
  const known = colors.get(series) ?? roleOf(series);
  if ((colors.has(series) || known < ROLES.length) && !used.has(known)) return known;
  let next = ROLES.length - 1;
  const taken = new Set(colors.values());
  while (taken.has(next) || used.has(next)) next++;
  colors.set(series, next);
  return next;
}

function roleOf(series: string): number {
  const head = series.toLowerCase().split(/[\s/_.-]/, 1)[0] ?? "";
  const at = ROLES.indexOf(SYNONYMS[head] ?? head);
  return at < 0 ? ROLES.length : at;
}

const TELLING = [/^loss$/i, /acc|f1|auc|^map|bleu|rouge|wer|r2|score|perplexity/i, /loss/i];
const LAST = [/^lr|learning_rate/i, /grad/i, /time|second|speed|memory|throughput/i];

function rankOf(title: string, entries: [string, MetricState][]): number {
  const telling = TELLING.findIndex((pattern) => pattern.test(title));
  if (telling >= 0) return telling;
  const last = LAST.findIndex((pattern) => pattern.test(title));
  if (last >= 0) return 20 + last;
  return entries.some(([, state]) => roleOf(state.series) === 1) ? 5 : 10;
}

/** What somebody looks for: whether a chart is meant, and what is wrong with what was typed. */
export interface Search {
  matches(chart: ChartSpec): boolean;
  complaint: string | null;
}

const SPECIAL = /[\\^$*+?()[\]{}|]/;

/** Read what somebody typed: words of which all must occur in a chart's names, or a regular expression that fits one of them. */
export function searchOf(typed: string): Search {
  const wanted = typed.trim().toLowerCase();
  const namesOf = ({ title, lines }: ChartSpec): string[] => [title, ...lines.flatMap(({ metric, ranks = [] }) => [metric, ...ranks])];
  let complaint = null;
  if (SPECIAL.test(wanted)) {
    try {
      const pattern = new RegExp(typed.trim(), "i");
      return { matches: (chart) => namesOf(chart).some((name) => pattern.test(name)), complaint: null };
    } catch (error) {
      complaint = `no regular expression, so looked for as it stands: ${error instanceof Error ? error.message.replace(/^.*: /, "") : error}`;
    }
  }
  const words = wanted.split(/\s+/);
  return { matches: (chart) => words.every((word) => namesOf(chart).join(" ").toLowerCase().includes(word)), complaint };
}
