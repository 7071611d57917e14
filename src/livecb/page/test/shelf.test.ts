import { afterEach, expect, test, vi } from "vitest";
import type { RunRow } from "../client/api";
import { Shelf } from "../src/shelf";

const row = { run: "a", name: "first", tags: [] as string[] } as RunRow;
/** What was asked of the server, each with the way to answer it. */
const asked: { body: unknown; answer(status: number): void }[] = [];

vi.stubGlobal("fetch", (_address: string, { body }: RequestInit) => new Promise<Response>((resolve) => {
  asked.push({ body: JSON.parse(String(body)), answer: (status) => resolve(new Response("{}", { status })) });
}));
afterEach(() => void asked.splice(0));

test("what can be taken back is what was done last, whichever is answered first", async () => {
  const shelf = new Shelf("http://x/", () => undefined);
  const [first, second] = [shelf.rename(row, "other"), shelf.retag([row], () => ["good"], "Tagged.")];
  asked[0]?.answer(200);
  await first;
  expect([shelf.busy, shelf.deed]).toEqual([true, null]);
  asked[1]?.answer(200);
  await second;
  expect([shelf.busy, shelf.deed?.words]).toEqual([false, "Tagged."]);
  const undone = shelf.deed?.undo?.();
  expect(asked[2]?.body).toEqual({ tags: [] });
  asked[2]?.answer(200);
  await undone;
  expect([shelf.busy, shelf.deed?.words]).toEqual([false, "Taken back."]);
});

test("what failed is told though something else was begun", async () => {
  const shelf = new Shelf("http://x/", () => undefined);
  const [first, second] = [shelf.rename(row, "other"), shelf.retag([row], () => ["good"], "Tagged.")];
  asked[1]?.answer(200);
  await second;
  asked[0]?.answer(500);
  await first;
  expect(shelf.failure).not.toBe(null);
  expect(shelf.deed?.words).toBe("Tagged.");
});
