import type { MetricState } from "../../client/api";

/** One line of a chart. */
export interface LineSpec {
  metric: string;
  label: string;
  /** Index into the palette: the same series has the same colour in every chart. */
  color: number;
  /** From the sixth colour on lines are told apart by dashes too. */
  dashed: boolean;
  /** Whether each point is shown: measurements that come seldom. */
  dots: boolean;
  /** Whether its values are set or chosen, not measured: smoothing would tell what never was. */
  exact: boolean;
}

export interface ChartSpec {
  title: string;
  lines: LineSpec[];
}

const ROLES = ["train", "val", "test"];
const SYNONYMS: Record<string, string> = { valid: "val", validation: "val", eval: "val", dev: "val", training: "train" };
const COLORS = 7;
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
  return entries
    .sort(([, a], [, b]) => roleOf(a.series) - roleOf(b.series))
    .map(([metric, { series }]) => {
      const color = colorOf(entries.length === 1 && roleOf(series) >= ROLES.length ? title : series, colors, used);
      used.add(color);
      return {
        metric,
        label: series || title,
        color: color % COLORS,
        dashed: color >= COLORS,
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

/** Whether a chart is meant by what somebody typed: all words must occur in its title or a metric's name. */
export function matches(chart: ChartSpec, wanted: string): boolean {
  const names = [chart.title, ...chart.lines.map((line) => line.metric)].join(" ").toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => names.includes(word));
}
