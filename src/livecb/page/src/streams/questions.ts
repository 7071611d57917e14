import type { Api, EventsAnswer } from "../../client/api";
import type { Following } from "../../client/follow";
import { getJson, withQuery } from "../../client/http";
import type { Message } from "../../client/sse";
import { placeIn, together } from "./cursors";
import { pause } from "./pause";

/** Between two rounds of questions about several runs. */
const ROUND_MS = 500;
const AT_ONCE = 2;
const PAGE = 1000;

/**
 * What asks for news of runs where nothing but answers gets through. A question about one run waits for the first
 * event, of any type, since State tells of it; those about several, or of several tabs (not `patient`), would keep more
 * connections than a browser has, and are asked in rounds.
 */
export function asks(
  api: Api, runs: readonly string[], query: Record<string, string | number>, patient: boolean,
): NonNullable<Following["ask"]> {
  const alive = new Map<string, boolean>();
  const waits = patient && runs.length === 1;
  return async (from, wait, signal) => {
    if (!waits && wait > 0) await pause(ROUND_MS, signal);
    const places = new Map(runs.map((run) => [run, placeIn(from, run)]));
    const messages: Message[] = [];
    const rest = [...runs];
    const askOn = async (): Promise<void> => {
      for (let run = rest.shift(); run !== undefined; run = rest.shift()) {
        const question = { cursor: places.get(run), cursors: 1, limit: PAGE };
        const answer = await getJson<EventsAnswer>(api.events(run, { ...question, wait: waits ? wait : 0 }), { signal });
        if (answer.reset) messages.push({ event: "reset", data: JSON.stringify({ run }), id: null });
        for (const [at, event] of answer.events.entries()) {
          places.set(run, answer.cursors?.[at] ?? answer.cursor);
          messages.push({ event: run, data: typeof event === "string" ? event : JSON.stringify(event), id: together(places) });
        }
        places.set(run, answer.cursor);
        if (answer.events.length > 0 || answer.reset || answer.alive !== alive.get(run)) {
          const state = await getJson<unknown>(withQuery(api.run(run), { rows: query.rows }), { signal });
          messages.push({ event: "state", data: JSON.stringify(state), id: null });
        }
        alive.set(run, answer.alive);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, askOn));
    return [...messages, { event: "cursor", data: "", id: together(places) }];
  };
}
