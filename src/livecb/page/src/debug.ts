import { placeOn, type XAxis } from "./data/series";
import type { RunsSession } from "./runs";
import type { Link } from "../client/link";
import { place } from "./routes";
import type { RunSession } from "./session";
import { hubOf } from "./streams/tab";

/**
 * `window.livecb`: what the page knows, for tests and for the curious. Read only; not an API to build on.
 *
 * - `counts()`: points said of each metric, those thinned away with them
 * - `points(name)`: what is held of one metric: `{step, value}`, as arrays
 * - `logs()`: log lines in all, and those in memory
 * - `link()`: how the page stands with the server, how often it connected, and how often it loaded history
 * - `stream()`: by which way news comes, and whether the browser's tabs share it
 * - `seqs()`: the numbers of the events that came last by it
 * - `drawn(name, axis, from, to)`: how many points there are to draw of a part, once it was looked at closely
 * - `cursor()`, `state()`, `rows()`
 */
export interface Debug {
  counts(): Record<string, number>;
  points(name: string): { step: number[]; value: number[]; abandoned: number[] };
  logs(): { count: number; rows: number };
  link(): { kind: string; connects: number; loads: number };
  stream(): { via: string; shared: boolean };
  seqs(): number[];
  drawn(name: string, axis: XAxis, from: number, to: number): number;
  cursor(): string;
  state(): unknown;
  rows(): unknown;
}

declare global {
  interface Window {
    livecb?: Debug;
  }
}

function viaOf(link: Link | undefined, base: string): { via: string; shared: boolean } {
  const via = link?.kind === "live" ? (link.via ?? "stream") : link?.kind === "polling" ? "poll" : "none";
  return { via, shared: hubOf(base).shared };
}

export function expose({ run, runs }: { run?: RunSession; runs?: RunsSession }): void {
  window.livecb = {
    counts: () => Object.fromEntries([...(run?.curves.byName ?? [])].map(([name, series]) => [name, series.count])),
    points: (name) => {
      const series = run?.curves.byName.get(name);
      return {
        step: [...(series?.step.view() ?? [])],
        value: [...(series?.value.view() ?? [])],
        abandoned: [...(series?.abandoned.view() ?? [])],
      };
    },
    logs: () => ({ count: run?.logs.complete ? run.logs.total : 0, rows: run?.logs.pages.held ?? 0 }),
    link: () => ({ kind: (run ?? runs)?.link.kind ?? "none", connects: run?.connects ?? 0, loads: run?.loads ?? 0 }),
    stream: () => viaOf((run ?? runs)?.link, place(location.pathname).base),
    seqs: () => [...(run?.seqs ?? [])],
    drawn: (name, axis, from, to) => {
      const series = run?.curves.of(name, axis, from);
      return [...(series?.[placeOn(axis)].view() ?? [])].filter((x) => x >= from && x <= to).length;
    },
    cursor: () => run?.cursor ?? "0",
    state: () => run?.state ?? null,
    rows: () => runs?.rows ?? [],
  };
}
