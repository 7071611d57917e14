import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Link } from "../client/link";
import type { Message } from "../client/sse";
import { Hub, type Told } from "../src/streams/tab";
import type { Asked, Said } from "../src/streams/wire";

vi.mock("../src/streams/worker?sharedworker&url", () => ({ default: "assets/worker.js" }));

/** Whether the part of the page that follows by itself is not to be had. */
const server = vi.hoisted(() => ({ away: false, asked: [] as Asked[] }));
vi.mock("../src/streams/shared", () => ({
  get Shared() {
    if (server.away) throw new TypeError("Failed to fetch dynamically imported module");
    return class {
      connect = () => (asked: Asked) => server.asked.push(asked);
    };
  },
}));

/** A worker's end, told what to say by hand. */
class Port {
  onmessage: ((event: { data: Said }) => void) | null = null;
  asked: Asked[] = [];
  postMessage = (asked: Asked): unknown => this.asked.push(asked);
  close = (): void => undefined;
  say(said: Said): void {
    this.onmessage?.({ data: said });
  }
  /** The id and the cursor of what was asked for last. */
  get last(): { id: number; cursor: string } {
    const { id, wish } = this.asked.filter((asked) => asked.kind === "follow").at(-1) as Asked & { kind: "follow" };
    return { id, cursor: wish.cursor };
  }
}

let port: Port;
let page: EventTarget;
beforeEach(() => {
  vi.useFakeTimers();
  [port, page, server.away, server.asked] = [new Port(), new EventTarget(), false, []];
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("SharedWorker", class {
    port = port;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function listener(): Told & { seen: string[]; links: Link[] } {
  const [seen, links]: [string[], Link[]] = [[], []];
  return { seen, links, onMessage: ({ data }) => seen.push(data), onLink: (link) => links.push(link) };
}

function news(id: number, ...lines: string[]): Said {
  const messages = lines.map((line): Message => ({ event: "", data: line, id: line }));
  return { kind: "news", id, messages, cursor: lines.at(-1) as string };
}

const WISH = { run: "a", cursor: "0", query: {} };

test("what lay in the letter box of a page that slept is asked for again, and told once", () => {
  const told = listener();
  const followed = new Hub("http://x/").follow(WISH, told);
  port.say({ kind: "hello" });
  const before = port.last.id;
  port.say(news(before, "1"));
  page.dispatchEvent(new Event("pagehide"));
  page.dispatchEvent(new Event("pageshow"));
  const { id, cursor } = port.last;
  expect(cursor).toBe("1");
  port.say(news(before, "2"));
  port.say(news(id, "2", "3"));
  expect(told.seen).toEqual(["1", "2", "3"]);
  expect(port.asked.filter(({ kind }) => kind === "taken")).toHaveLength(3);
  followed.stop();
  expect(port.asked.at(-1)).toEqual({ kind: "stop", id });
});

test("a page without a worker, whose server is away, says so and follows by itself once it is back", async () => {
  vi.stubGlobal("SharedWorker", undefined);
  server.away = true;
  const told = listener();
  new Hub("http://x/").follow(WISH, told);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(told.links.length).toBeGreaterThan(1);
  expect(told.links.every(({ kind }) => kind === "reconnecting")).toBe(true);
  server.away = false;
  await vi.advanceTimersByTimeAsync(5_000);
  vi.useRealTimers();
  await vi.waitFor(() => expect(server.asked).toContainEqual({ kind: "follow", id: 2, wish: WISH }));
});
