import { afterEach, expect, test, vi } from "vitest";
import type { Log } from "../client/generated/events";
import { RunLog } from "../src/log";

afterEach(() => vi.unstubAllGlobals());

function line(number: number): Log {
  return { type: "log", seq: number, time: number, message: `line ${number}` };
}

test("a log that is opened twice at once keeps the lines that came since the first answer", async () => {
  const held: (() => void)[] = [];
  vi.stubGlobal("fetch", async (address: string) => {
    const limit = Number(new URL(address).searchParams.get("limit"));
    const known = limit ? [line(0), line(1)] : [];
    if (limit) await new Promise<void>((resolve) => held.push(resolve));
    return new Response(JSON.stringify({ cursor: "10", total: 2, count: 2, from: 0, lines: known }));
  });
  const log = new RunLog(({ limit }) => `http://x/lines?limit=${limit}`, () => undefined);
  const opened = [log.open(), log.open()];
  await vi.waitFor(() => expect(held).toHaveLength(2));
  held[0]?.();
  await opened[0];
  log.add(line(2), "10", "20");
  held[1]?.();
  await opened[1];
  expect([log.total, log.pages.count]).toEqual([3, 3]);
  log.add(line(3), "20", "30");
  expect(log.pages.rows(0, 9).map((row) => row?.text)).toEqual(["line 0", "line 1", "line 2", "line 3"]);
});
