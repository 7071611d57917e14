import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Follower } from "../client/follow";
import type { Link } from "../client/link";

let server: Server | undefined;
let follower: Follower | undefined;
afterEach(() => {
  follower?.stop();
  server?.closeAllConnections();
  server?.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse, cursor: number) => void;

async function follow(answer: Answer): Promise<{ seen: string[]; links: Link[]; until(enough: () => boolean): Promise<void> }> {
  server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://x");
    answer(request, response, Number(searchParams.get("cursor")));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?cursor=`;
  const seen: string[] = [];
  const links: Link[] = [];
  let check = (): void => undefined;
  follower = new Follower("0", {
    stream: (cursor) => base + cursor,
    poll: (cursor) => base + cursor,
    onMessage: (message) => {
      if (message.id !== null) seen.push(message.data);
      check();
      if (message.id !== null) JSON.parse(message.data);
    },
    onLink: (link) => {
      links.push(link);
      check();
    },
  });
  void follower.run();
  const until = (enough: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      check = () => enough() && resolve();
      check();
    });
  return { seen, links, until };
}

function begin(response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write("retry: 10\n\nevent: connected\ndata: {}\n\n");
}

test("a stream that breaks off again and again is taken up exactly where it was", async () => {
  const { seen, links, until } = await follow((_request, response, cursor) => {
    begin(response);
    // Two whole lines, and the beginning of a third that must not count.
    for (const at of [cursor + 1, cursor + 2]) response.write(`id: ${at}\ndata: "line ${at}"\n\n`);
    response.write(`id: ${cursor + 3}\ndata: "li`, () => response.destroy());
  });
  await until(() => seen.length >= 8);
  expect(seen.slice(0, 8)).toEqual(Array.from({ length: 8 }, (_, i) => `"line ${i + 1}"`));
  expect(links.some((link) => link.kind === "reconnecting")).toBe(true);
});

test("a message that cannot be taken is left behind, and counted", async () => {
  let asked = 0;
  const { seen, links, until } = await follow((_request, response) => {
    asked++;
    begin(response);
    response.write('id: 1\ndata: {"torn"\n\nid: 2\ndata: {}\n\n');
  });
  await until(() => seen.length >= 2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(['{"torn"', "{}"]);
  expect(follower?.cursor).toBe("2");
  expect(follower?.bad).toBe(1);
  expect(asked).toBe(1);
  expect(links.some((link) => link.kind === "reconnecting")).toBe(false);
});

test("a refusal is told with the server's own words", async () => {
  const { links, until } = await follow((_request, response) => {
    response.writeHead(401, { "Content-Type": "application/json" });
    response.end('{"error": {"status": 401, "title": "Who are you?", "detail": "open the printed address"}}');
  });
  await until(() => links.some((link) => link.kind === "refused"));
  expect(links.at(-1)).toMatchObject({ kind: "refused", status: 401, title: "Who are you?" });
});

test("where streams are held back, polling goes on with the same cursor", async () => {
  const { seen, links, until } = await follow((request, response, cursor) => {
    if (request.headers.accept === "text/event-stream") return; // as a proxy that buffers: nothing, ever
    response.writeHead(200, { "Content-Type": "application/json" });
    const events = cursor < 3 ? [{ at: cursor + 1 }] : [];
    if (events.length > 0) response.end(JSON.stringify({ cursor: String(cursor + 1), reset: false, alive: true, events }));
  });
  await until(() => seen.length === 3);
  expect(seen).toEqual(['{"at":1}', '{"at":2}', '{"at":3}']);
  expect(links.at(-1)?.kind).toBe("polling");
}, 15_000);
