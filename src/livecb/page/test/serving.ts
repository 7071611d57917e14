import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { placeIn, together } from "../src/streams/cursors";

/** The lines of one run by the parts of its log. An empty one is not subscribed to: it is passed over in silence. */
export type Parts = Record<string, string[]>;

/** A server of runs whose logs have parts. Its streams tell of what is new only when they are told to flow. */
export class Serving {
  runs: Record<string, Parts> = {};
  /** What was asked for: paths, and whether only for the end. */
  asked: string[] = [];
  /** Runs that are not to be had. */
  refused = new Set<string>();
  /** Answers to what ends so wait until they are let go. */
  slow: string | null = null;
  #waiting: (() => void)[] = [];
  #streams: { response: ServerResponse; places: Map<string, string> }[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
      const asked = searchParams.get("cursor") === "end" ? `${pathname} end` : pathname;
      this.asked.push(asked);
      const answer = (): void => this.#answer(pathname, searchParams, response);
      if (this.slow !== null && asked.endsWith(this.slow)) this.#waiting.push(answer);
      else answer();
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get streams(): number {
    return this.#streams.length;
  }

  /** How often so much was asked for. */
  count(path: string): number {
    return this.asked.filter((asked) => asked.endsWith(path)).length;
  }

  letGo(): void {
    this.slow = null;
    for (const answer of this.#waiting.splice(0)) answer();
  }

  flow(): void {
    for (const { response, places } of this.#streams) {
      for (const [run, place] of places) {
        const read = this.#read(run, place);
        for (const { line, cursor } of read.told) {
          response.write(`event: ${run}\nid: ${together(new Map([...places, [run, cursor]]))}\ndata: ${line}\n\n`);
        }
        places.set(run, read.cursor);
      }
    }
  }

  /** Let the streams say something that is no event. */
  say(event: string, data: object): void {
    for (const { response } of this.#streams) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #answer(path: string, query: URLSearchParams, response: ServerResponse): void {
    const from = query.get("cursor") ?? "0";
    const runs = query.get("runs")?.split(",") ?? [path.split("/")[3] as string];
    if (runs.some((run) => this.refused.has(run))) {
      response.writeHead(404, { "Content-Type": "application/problem+json" });
      response.end(JSON.stringify({ status: 404, title: "Run not found", detail: "there is none" }));
    } else if (path === "/api/stream" || query.get("types") === "run_ended") {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("event: connected\ndata: {}\n\n");
      if (path === "/api/stream") this.#streams.push({ response, places: new Map(runs.map((run) => [run, placeIn(from, run)])) });
    } else {
      const { told, cursor } = this.#read(runs[0] as string, from);
      const [events, cursors] = [told.map(({ line }) => line), told.map(({ cursor }) => cursor)];
      const answer = path.endsWith("/events") ? { cursor, cursors, events, reset: false, alive: true } : { run: runs[0] };
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify(answer));
    }
  }

  /** What stands after a place, part by part, as the server reads it. */
  #read(run: string, from: string): { told: { line: string; cursor: string }[]; cursor: string } {
    const parts = Object.entries(this.runs[run] ?? {});
    const at = new Map(parts.map(([part]) => [part, Number(placeIn(from.includes("@") ? from : `main@${from}`, part))]));
    const cursor = (): string => placeIn(together([[run, [...at].map(([part, n]) => `${part}@${n}`).join(",")]]), run);
    const told: { line: string; cursor: string }[] = [];
    for (const [part, lines] of parts) {
      for (const line of lines.slice(at.get(part))) {
        at.set(part, (at.get(part) ?? 0) + 1);
        if (line) told.push({ line, cursor: cursor() });
      }
    }
    return { told, cursor: cursor() };
  }
}

export async function until(enough: () => boolean): Promise<void> {
  while (!enough()) await new Promise((resolve) => setTimeout(resolve, 5));
}
