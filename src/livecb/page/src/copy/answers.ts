import { ApiError } from "../../client/errors";
import type { Log } from "../../client/generated/events";
import { isOf } from "../data/logs";
import { epochOf } from "../data/sample";
import type { Held } from "./held";

const PAGE = 50;
const LINES = 500;

/** What the server would answer to a GET of `address`, of what a copy holds. Raises `ApiError` where it holds none. */
export function answerOf(held: Held, address: string): unknown {
  const { pathname, searchParams: query } = new URL(address, "https://copy/");
  if (pathname.endsWith("/api/access")) return { role: "view", name: null, who: "anyone", project: null, run: held.state.run, expires: null };
  const part = /\/api\/runs\/[^/]+(?:\/(\w+))?$/.exec(pathname);
  switch (part && (part[1] ?? "state")) {
    case "state": return held.state;
    case "marks": return held.marks;
    case "leaderboard": return held.leaderboard;
    case "lines": return linesOf(held, query);
    case "events": return { cursor: held.state.cursor, events: query.get("types") === "system" ? held.system : [] };
    case "samples": return pageOf(held.samples, "samples", ofEpoch(query.get("epoch")), query);
    case "images": return pageOf(held.images, "images", ofName(query.get("name")), query);
    case "media": {
      const type = query.get("type");
      if (type === "audio" || type === "table" || type === "histogram") return pageOf(held[type], "media", ofName(query.get("name")), query);
      break;
    }
    // Of a part that is looked at closely it knows no more than of the whole.
    case "series": if (!query.has("from")) return held.series;
  }
  throw new ApiError(404, "Not in this copy", "this file holds one run as it was, and nothing else; ask the server that it was made by");
}

type Event = { epoch?: number | null; name?: string | null };

function ofEpoch(wanted: string | null): (event: Event) => boolean {
  if (wanted === null) return () => true;
  const epoch = wanted === "none" ? null : Number(wanted);
  return (event) => epochOf(event.epoch) === epoch;
}

function ofName(wanted: string | null): (event: Event) => boolean {
  return (event) => wanted === null || event.name === wanted;
}

/** A page of the events under `name`, the newest first, as the server counts them. */
function pageOf(answer: object, name: string, wanted: (event: Event) => boolean, query: URLSearchParams): object {
  const found = (answer as Record<string, Event[]>)[name]?.filter(wanted) ?? [];
  const before = Math.min(found.length, numberOf(query, "before") ?? Infinity);
  const begin = found.length - before;
  return { ...answer, count: found.length, before, [name]: found.slice(begin, begin + (numberOf(query, "limit") ?? PAGE)) };
}

function linesOf({ lines, state }: Held, query: URLSearchParams): object {
  const level = query.get("level");
  const found = level === null ? lines : lines.filter((line) => isOf(line, level));
  const limit = numberOf(query, "limit") ?? LINES;
  const from = Math.min(found.length, Math.max(0, startOf(found, query) ?? found.length - limit));
  return { cursor: state.cursor, total: lines.length, count: found.length, from, lines: found.slice(from, from + limit) };
}

/** Where the lines begin that are asked for: at a place, a time, or where the training came to a step last. */
function startOf(lines: readonly Log[], query: URLSearchParams): number | null {
  const [time, step] = [numberOf(query, "time"), numberOf(query, "step")];
  if (time !== null) return endOr(lines, lines.findIndex((line) => line.time >= time));
  if (step === null) return numberOf(query, "from");
  let last = -1;
  const steps = lines.map((line) => (last = line.step ?? last));
  let place = lines.length;
  while (place > 0 && (steps[place - 1] as number) >= step) place--;
  return place < lines.length ? place : endOr(lines, steps.findIndex((held) => held >= step));
}

function endOr(lines: readonly Log[], place: number): number {
  return place < 0 ? lines.length : place;
}

function numberOf(query: URLSearchParams, name: string): number | null {
  const held = query.get(name);
  return held === null || held === "" ? null : Number(held);
}
