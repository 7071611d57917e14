// The same rule as `livecb.names.key`: a test holds both to the same answers.
const WORDS = "train|training|val|valid|validation|validate|eval|evaluation|dev|test|testing";
const SAYS_CONTEXT = new RegExp(`(?:^|[/_.\\- ])(?:${WORDS})(?:[/_.\\- ]|$)`, "i");

/** What tells a metric from all others of its run: its name, with context and rank where they are needed. */
export function metricKey(name: string, context: string | null, rank: number): string {
  const named = context && context !== "train" && !SAYS_CONTEXT.test(name) ? `${context}/${name}` : name;
  return rank ? `${named}@${rank}` : named;
}
