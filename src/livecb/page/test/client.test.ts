import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { place } from "../client/address";
import { ApiError, CommandRefused, LivecbError, RunNotFound, ServerError, errorOf } from "../client/errors";
import { Follower } from "../client/follow";
import { withQuery } from "../client/http";
import { Client } from "../client/client";
import { messagesOf } from "../client/socket";

let server: Server | undefined;
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse, url: URL) => void): Promise<Client> {
  server = createServer((request, response) => answer(request, response, new URL(request.url ?? "", "http://x")));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=secret`);
}

test("an address is taken apart as livecb prints it, whatever stands before it", () => {
  expect(place("http://box:7117/?token=abc")).toEqual({ base: "http://box:7117/", token: "abc" });
  expect(place("https://box/lab/livecb/r/20261121-quiet-otter?token=a%2Bb")).toEqual({ base: "https://box/lab/livecb/", token: "a+b" });
  expect(place("127.0.0.1:7117")).toEqual({ base: "http://127.0.0.1:7117/", token: null });
  for (const none of ["nowhere", "ftp://box/", "", undefined]) expect(() => place(none)).toThrow(/livecb view/);
});

test("an address that is none is an error of the tree, and says what was expected", () => {
  expect(() => new Client("nowhere")).toThrow(ServerError);
  expect(() => new Client("nowhere")).toThrow(/expected an address .* got "nowhere"/);
});

test("what is not asked for does not stand in a query, and a list is said once for each", () => {
  expect(withQuery("/x", { a: null, b: undefined })).toBe("/x");
  expect(withQuery("/x", { name: ["val/loss", "a,b"], points: 0 })).toBe("/x?name=val%2Floss&name=a%2Cb&points=0");
});

test.each([
  [404, "No such run", RunNotFound],
  [409, "The run does not do that", CommandRefused],
  [418, "Something new", ApiError],
])("problem details of %i %s make an error of their own kind, with the cure", async (status, title, kind) => {
  const error = await errorOf(new Response(JSON.stringify({ title, status, detail: "do this", cursor: "7" }), { status }));
  expect(error).toBeInstanceOf(kind);
  expect(error).toBeInstanceOf(LivecbError);
  expect(error).toMatchObject({ status, title, detail: "do this", name: kind.name, data: { cursor: "7" } });
  expect(error.message).toBe(`${title} (${status}): do this`);
});

test("an answer that is not livecb's own still tells its status", async () => {
  const error = await errorOf(new Response("<h1>Bad gateway</h1>", { status: 502, statusText: "Bad Gateway" }));
  expect(error).toMatchObject({ status: 502, title: "Bad Gateway", final: false });
  const client = await serve((_request, response) => response.end("<p>a router's own page"));
  await expect(client.list()).rejects.toThrow(/expected JSON from .*is a livecb server there/);
});

test("a server that is not there is told of without its token", async () => {
  const client = new Client("http://127.0.0.1:9/?token=secret");
  const error = (await client.list().catch((error: unknown) => error)) as Error;
  expect(error).toBeInstanceOf(ServerError);
  expect(error.message).toMatch(/no answer from http:\/\/127\.0\.0\.1:9\/api\/runs/);
  expect(error.message).not.toContain("secret");
});

test("the token goes along in a header, and never in an address that is fetched", async () => {
  const asked: string[] = [];
  const client = await serve((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    response.end('{"runs": [], "now": 0, "total": 0, "next": null}');
  });
  await client.list({ tag: ["a", "b"] });
  expect(asked).toEqual(["Bearer secret /api/runs?tag=a&tag=b&archived=0"]);
});

test("a WebSocket's text reads as an event stream does", () => {
  expect(messagesOf('{"type":"state","state":{"run":"a"}}')).toEqual([{ event: "state", data: '{"run":"a"}', id: null }]);
  expect(messagesOf('{"type":"log","seq":1}\n{"type":"log","seq":2}\n{"type":"cursor","cursor":"9"}')).toEqual([
    { event: "", data: '{"type":"log","seq":1}', id: null },
    { event: "", data: '{"type":"log","seq":2}', id: null },
    { event: "cursor", data: "", id: "9" },
  ]);
});

test("where a stream says nothing, events are asked for within three seconds", async () => {
  vi.useFakeTimers();
  const asked: string[] = [];
  vi.stubGlobal("fetch", (address: string, { signal }: RequestInit) => {
    asked.push(address);
    return new Promise((_resolve, reject) =>
      signal?.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError"))),
    );
  });
  const nothing = (): void => undefined;
  const follower = new Follower("5", {
    stream: (cursor) => `stream?${cursor}`, poll: (cursor) => `poll?${cursor}`, onMessage: nothing, onLink: nothing,
  });
  void follower.run();
  await vi.advanceTimersByTimeAsync(1_500);
  expect(asked).toEqual(["stream?5"]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(asked).toEqual(["stream?5", "poll?5&wait=0"]);
  follower.stop();
});

test("once a stream gets through, polling is left for it, from where it is", async () => {
  vi.useFakeTimers();
  let through = false;
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (address: string, { signal }: RequestInit) => {
    asked.push(address);
    if (address.startsWith("poll") && address.endsWith("wait=0")) {
      return Response.json({ cursor: "6", reset: false, alive: true, events: [{ type: "log" }] });
    }
    if (address.startsWith("stream") && through) {
      return new Response("event: connected\ndata: {}\n\n", { headers: { "Content-Type": "text/event-stream" } });
    }
    return new Promise<Response>((_resolve, reject) =>
      signal?.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError"))),
    );
  });
  const links: string[] = [];
  const follower = new Follower("5", {
    stream: (cursor) => `stream?${cursor}`, poll: (cursor) => `poll?${cursor}`, onMessage: () => undefined,
    onLink: ({ kind }) => links.push(kind),
  });
  void follower.run();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(links).toEqual(["connecting", "polling"]);
  through = true;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(links.slice(0, 3)).toEqual(["connecting", "polling", "live"]);
  expect(asked.slice(0, 5)).toEqual(["stream?5", "poll?5&wait=0", "poll?6&wait=20", "stream?6", "stream?6"]);
  follower.stop();
});

const LINES = [0, 1, 2].map((seq) => `id: ${seq + 1}\ndata: {"type":"log","seq":${seq}}\n\n`).join("");

function stream(response: ServerResponse, text: string): void {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(`event: connected\ndata: {"alive":true,"cursor":"0"}\n\n${text}`);
}

test("whoever takes events slowly is waited for, and given each once", async () => {
  const client = await serve((_request, response, { searchParams }) =>
    stream(response, searchParams.get("cursor") === "0" ? LINES : ""),
  );
  const seen: number[] = [];
  let busy = 0;
  const events = client.follow("a", {
    onEvents: async (came, cursor) => {
      expect(++busy).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      busy--;
      seen.push(...came.map(({ seq }) => seq));
      if (cursor === "3") events.close();
    },
  });
  await events.done;
  expect(seen).toEqual([0, 1, 2]);
  expect(events.cursor).toBe("3");
});

test("what a taker of events raises ends the following, and is raised", async () => {
  const client = await serve((_request, response) => stream(response, LINES));
  const onEvents = (): void => {
    throw new RangeError("mine");
  };
  await expect(client.follow("a", { onEvents }).done).rejects.toThrow("mine");
});

test("a log that was replaced is told of, and all its events come", async () => {
  let asked = 0;
  const client = await serve((_request, response) =>
    stream(response, asked++ === 0 ? LINES : `event: reset\ndata: {"cursor":"0"}\n\n${LINES}`),
  );
  let resets = 0;
  const seen: number[] = [];
  const events = client.follow("a", { onReset: () => resets++, onEvents: (came) => void seen.push(...came.map(({ seq }) => seq)) });
  await vi.waitFor(() => expect(seen.length).toBe(3));
  server?.closeAllConnections();
  await vi.waitFor(() => expect(seen).toEqual([0, 1, 2, 0, 1, 2]), 10_000);
  expect([resets, events.resets]).toEqual([1, 1]);
  events.close();
});

test("a signal ends it", async () => {
  const client = await serve((_request, response) => stream(response, LINES));
  const stop = new AbortController();
  const events = client.follow("a", { signal: stop.signal, onEvents: () => stop.abort() });
  await events.done;
  const before = new AbortController();
  before.abort();
  for await (const _event of client.follow("a", { signal: before.signal })) expect.unreachable();
});
