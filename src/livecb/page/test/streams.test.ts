import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { covers, placeIn, together } from "../src/streams/cursors";
import { Shared } from "../src/streams/shared";
import { SHARED, type Said } from "../src/streams/wire";

test("a cursor of several runs is taken apart and put together", () => {
  expect(placeIn("a@120,a/1@7,ab@9", "a")).toBe("main@120,1@7");
  expect(placeIn("a@120,ab@9", "ab")).toBe("9");
  expect(placeIn("a/1@7", "a")).toBe("1@7");
  expect(placeIn("a@120", "b")).toBe("0");
  expect(together([["a", "main@120,1@7"], ["b", "0"], ["ab", "9"]])).toBe("a@120,a/1@7,ab@9");
  expect(together([["a", "0"]])).toBe("0");
});

test("a place covers another when it lies behind it in no part", () => {
  expect(covers("120", "120")).toBe(true);
  expect(covers("120", "main@119")).toBe(true);
  expect(covers("120", "main@119,1@7")).toBe(false);
  expect(covers("main@1,1@7", "0")).toBe(true);
});

/** A log of lines 1, 2, ... of any run, which grows; the stream is told of what it grew by only when told to flow. */
let server: Server;
let base: string;
let lines = 0;
let flow: (() => void)[] = [];
let asked: string[] = [];
/** What makes a line long. */
let pad = "";
beforeEach(async () => {
  [lines, flow, asked, pad] = [0, [], [], ""];
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    const from = searchParams.get("cursor") ?? "0";
    asked.push(pathname);
    if (pathname === "/api/stream") {
      const runs = (searchParams.get("runs") ?? "").split(",");
      const at = new Map(runs.map((run) => [run, Number(placeIn(from, run))]));
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("event: connected\ndata: {}\n\n");
      flow.push(() => {
        for (const run of runs) {
          for (let line = (at.get(run) ?? 0) + 1; line <= lines; line++) {
            at.set(run, line);
            response.write(`event: ${run}\nid: ${[...at].filter(([, n]) => n).map(([name, n]) => `${name}@${n}`)}\ndata: ${pad}${line}\n\n`);
          }
        }
      });
      return;
    }
    const events = Array.from({ length: lines - Number(from) }, (_, i) => Number(from) + i + 1);
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ cursor: String(lines), cursors: events.map(String), events, reset: false, alive: true }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

interface Tab {
  ask: ReturnType<Shared["connect"]>;
  seen: number[];
  letters: number;
}

function tabOf(shared: Shared, takes = true): Tab {
  const ask = shared.connect((said: Said) => {
    if (said.kind !== "news") return;
    tab.letters++;
    tab.seen.push(...said.messages.map(({ data }) => Number(data)));
    if (takes) ask({ kind: "taken" });
  });
  const tab: Tab = { ask, seen: [], letters: 0 };
  return tab;
}

async function until(enough: () => boolean): Promise<void> {
  while (!enough()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function grow(to: number): void {
  lines = to;
  for (const each of flow) each();
}

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

test("who comes later joins the stream without gap or double, be they ahead of it or behind", async () => {
  const shared = new Shared(base, SHARED);
  const [first, behind, ahead] = [tabOf(shared), tabOf(shared), tabOf(shared)];
  first.ask({ kind: "follow", id: 1, wish: { run: "a", cursor: "0", query: {} } });
  await until(() => flow.length === 1);
  grow(10);
  await until(() => first.seen.length === 10);
  lines = 15; // of which the stream has said nothing yet
  behind.ask({ kind: "follow", id: 1, wish: { run: "a", cursor: "4", query: {} } });
  ahead.ask({ kind: "follow", id: 1, wish: { run: "a", cursor: "13", query: {} } });
  await until(() => behind.seen.length >= 6);
  grow(20);
  await until(() => ahead.seen.length >= 7 && behind.seen.length >= 16);
  grow(25);
  await until(() => ahead.seen.length >= 12);
  expect(first.seen).toEqual(upTo(25));
  expect(behind.seen).toEqual(upTo(25, 5));
  expect(ahead.seen).toEqual(upTo(25, 14));
  expect(asked.filter((path) => path === "/api/stream")).toHaveLength(1);
});

test("runs that come and go share one stream", async () => {
  const shared = new Shared(base, SHARED);
  const [one, other] = [tabOf(shared), tabOf(shared)];
  one.ask({ kind: "follow", id: 1, wish: { run: "a", cursor: "0", query: {} } });
  await until(() => flow.length === 1);
  grow(5);
  await until(() => one.seen.length === 5);
  other.ask({ kind: "follow", id: 1, wish: { run: "b", cursor: "2", query: {} } });
  await until(() => flow.length === 2);
  flow.shift();
  grow(9);
  await until(() => one.seen.length >= 9 && other.seen.length >= 7);
  one.ask({ kind: "bye" });
  grow(12);
  await until(() => other.seen.length >= 10);
  expect(one.seen).toEqual(upTo(9));
  expect(other.seen).toEqual(upTo(12, 3));
});

test("a run that comes in while the stream of the others goes on begins where its reader is", async () => {
  const shared = new Shared(base, SHARED);
  const [one, other] = [tabOf(shared), tabOf(shared)];
  one.ask({ kind: "follow", id: 1, wish: { run: "a", cursor: "0", query: {} } });
  await until(() => flow.length === 1);
  grow(10);
  await until(() => one.seen.length === 10);
  other.ask({ kind: "follow", id: 1, wish: { run: "b", cursor: "10", query: {} } });
  grow(11); // told by the stream that knows nothing of the other run yet
  await until(() => one.seen.length === 11 && flow.length === 2);
  grow(12);
  await until(() => one.seen.length >= 12 && other.seen.length >= 2);
  expect(one.seen).toEqual(upTo(12));
  expect(other.seen).toEqual([11, 12]);
});

test("a tab that takes nothing in is left behind, and goes on from there", async () => {
  const shared = new Shared(base, SHARED);
  const [quick, frozen] = [tabOf(shared), tabOf(shared, false)];
  quick.ask({ kind: "follow", id: 1, wish: { run: "a", cursor: "0", query: {} } });
  frozen.ask({ kind: "follow", id: 1, wish: { run: "a", cursor: "0", query: {} } });
  await until(() => flow.length === 1);
  await until(() => asked.length >= 2);
  pad = " ".repeat(1 << 20);
  for (let line = 1; line <= 20; line++) {
    grow(line);
    await until(() => quick.seen.length >= line);
  }
  expect(frozen.letters).toBe(16);
  pad = "";
  for (let taken = 0; taken < 16; taken++) frozen.ask({ kind: "taken" });
  await until(() => frozen.seen.length >= 20);
  expect(frozen.seen).toEqual(upTo(20));
});
