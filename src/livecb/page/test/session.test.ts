import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Link } from "../client/link";
import { RunSession } from "../src/session";
import type { Told } from "../src/streams/tab";
import type { Wish } from "../src/streams/wire";

/** What follows, as the session sees it: it is told by hand. */
const hub = vi.hoisted(() => ({ shared: true, wishes: [] as Wish[], told: null as Told | null }));
vi.mock("../src/streams/tab", () => ({
  hubOf: () => ({
    get shared() {
      return hub.shared;
    },
    follow: (wish: Wish, told: Told) => {
      hub.wishes.push(wish);
      hub.told = told;
      return { cursor: wish.cursor, stop: () => undefined, retryNow: () => undefined };
    },
  }),
}));
vi.mock("../src/telling", () => ({ Telling: class {
  see = (): void => undefined;
  stop = (): void => undefined;
} }));

/** A run on a server: null does not answer, and a promise is waited for. */
let cursor = "10";
let alive = false;
let answers: () => Promise<unknown>;
let asked: string[] = [];
let page: { hidden: boolean } & EventTarget;
let session: RunSession;

function answerTo(path: string): object {
  if (path.endsWith("/series")) return { cursor, series: {}, rewinds: [] };
  if (path.endsWith("/marks")) return { cursor, marks: [], left_out: 0 };
  if (path.endsWith("/lines")) return { cursor, total: 0, count: 0, from: 0, lines: [] };
  if (path.endsWith("/access")) return { role: "view", name: "" };
  const now = Date.now() / 1000;
  return { status: alive ? "running" : "completed", alive, cursor, now, updated: now - 3600, events: 10, counts: {}, rewinds: [], attempt: 1, commands: [] };
}

beforeEach(() => {
  vi.useFakeTimers();
  [cursor, alive, asked, hub.shared, hub.wishes, answers] = ["10", false, [], true, [], () => Promise.resolve()];
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal("document", page);
  vi.stubGlobal("requestAnimationFrame", (): number => 0);
  vi.stubGlobal("cancelAnimationFrame", () => undefined);
  vi.stubGlobal("fetch", async (address: string, { signal }: RequestInit) => {
    const { pathname } = new URL(address);
    asked.push(pathname);
    const given = new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
    await Promise.race([answers(), given]);
    return new Response(JSON.stringify(answerTo(pathname)));
  });
  session = new RunSession("http://x/", "a");
});
afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The run is over, all of it is here, and its stream was let go. */
async function atRest(): Promise<void> {
  session.start();
  await vi.advanceTimersByTimeAsync(100);
  hub.told?.onLink({ kind: "live", since: Date.now() } satisfies Link);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(session.link.kind).toBe("resting");
  [hub.wishes, asked] = [[], []];
}

function beSeen(seen: boolean): void {
  page.hidden = !seen;
  page.dispatchEvent(new Event("visibilitychange"));
}

test("a run that rests is asked about, and followed again only once it changed", async () => {
  await atRest();
  await vi.advanceTimersByTimeAsync(40_000);
  expect(asked).toHaveLength(2);
  expect(hub.wishes).toHaveLength(0);
});

test("a run that changes while its hidden tab rests is followed from where it was, at once where tabs share", async () => {
  await atRest();
  beSeen(false);
  cursor = "20";
  await vi.advanceTimersByTimeAsync(16_000);
  expect(hub.wishes.map((wish) => wish.cursor)).toEqual(["10"]);
});

test("a run that changed while its tab was hidden for a moment is followed again once the tab is seen", async () => {
  await atRest();
  hub.shared = false;
  await vi.advanceTimersByTimeAsync(10_000);
  beSeen(false);
  cursor = "20";
  await vi.advanceTimersByTimeAsync(8_000);
  expect(session.state?.cursor).toBe("20");
  beSeen(true);
  await vi.advanceTimersByTimeAsync(16_000);
  expect(hub.wishes.map((wish) => wish.cursor)).toEqual(["10"]);
});

test("a session that is stopped while it asks asks no more, though the server is away", async () => {
  await atRest();
  answers = () => new Promise((_, reject) => setTimeout(() => reject(new TypeError("refused")), 5_000));
  await vi.advanceTimersByTimeAsync(15_500);
  session.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
});

test("what comes after a session was stopped changes nothing", async () => {
  answers = () => new Promise((resolve) => setTimeout(resolve, 1_000));
  session.start();
  session.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(session.state).toBe(null);
  expect(asked.filter((path) => path !== "/api/access")).toHaveLength(1);
});

test("an opening that gets no answer is given up after a while, said, and tried anew with more patience", async () => {
  const given: number[] = [];
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    given.push(ms);
    const control = new AbortController();
    setTimeout(() => control.abort(new DOMException("too long", "TimeoutError")), ms);
    return control.signal;
  });
  answers = () => new Promise(() => undefined);
  session.start();
  await vi.advanceTimersByTimeAsync(61_000);
  expect(session.link.kind).toBe("reconnecting");
  expect(given.slice(0, 2)).toEqual([60_000, 120_000]);
  answers = () => Promise.resolve();
  await vi.advanceTimersByTimeAsync(130_000);
  expect(session.loads).toBe(1);
});

test("how news comes is still known after it was behind and has caught up", async () => {
  alive = true;
  session.start();
  await vi.advanceTimersByTimeAsync(100);
  hub.told?.onLink({ kind: "live", since: Date.now(), via: "socket" } satisfies Link);
  const time = Date.now() / 1000 - 60;
  hub.told?.onMessage({ event: "", data: JSON.stringify({ type: "metrics", seq: 11, time, values: {} }), id: "11" }, "11");
  expect(session.link).toMatchObject({ kind: "replaying", via: "socket" });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(session.link).toMatchObject({ kind: "live", via: "socket" });
});
