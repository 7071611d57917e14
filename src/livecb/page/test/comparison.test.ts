import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RunRow } from "../client/api";
import { Comparison } from "../src/comparison";

const asked: string[] = [];
const shown = Object.assign(new EventTarget(), { hidden: false });
let answer: (address: string) => Response;

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  shown.hidden = false;
  answer = (address) => Response.json(address.includes("series") ? { cursor: "1", rewinds: [], series: {} } : { attempt: 1, rewinds: [] });
  vi.stubGlobal("document", shown);
  vi.stubGlobal("requestAnimationFrame", (call: () => void) => setTimeout(call));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address.replace(/\?.*/, ""));
    return answer(address);
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function rows(updated: number): RunRow[] {
  return [{ run: "A", updated } as RunRow];
}

/** A comparison that sees the list as the view does: whenever it is drawn. */
function comparing(list: () => RunRow[]): Comparison {
  const comparison = new Comparison("/", ["A"]);
  comparison.topics.listen("runs", () => comparison.see(list()));
  comparison.see(list());
  return comparison;
}

test("a run that goes on is asked for again while somebody looks, and once more when somebody looks again", async () => {
  let updated = 1;
  const comparison = comparing(() => rows(updated++));
  await vi.advanceTimersByTimeAsync(9_000);
  expect(asked.length).toBeGreaterThan(6);
  shown.hidden = true;
  await vi.advanceTimersByTimeAsync(3_000);
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBe(before);
  shown.hidden = false;
  shown.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(10);
  expect(asked.length).toBe(before + 2);
  comparison.stop();
});

test("a server that is away is asked less and less often", async () => {
  answer = () => {
    throw new TypeError("away");
  };
  const comparison = comparing(() => rows(1));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBeGreaterThan(12); // two questions a try
  expect(asked.length).toBeLessThan(32);
  answer = () => Response.json({ attempt: 1, rewinds: [], series: {} });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(comparison.runs[0]?.failure).toBe(null);
  comparison.stop();
});

test("a run that is deleted is asked for once, and again when the list has it back", async () => {
  const fine = answer;
  answer = () => Response.json({ title: "No such run", status: 404 }, { status: 404 });
  let list: RunRow[] = [];
  const comparison = comparing(() => list);
  await vi.advanceTimersByTimeAsync(60_000);
  // At once: with many runs, curves that were asked for after a State would stand behind all the others' States.
  expect(asked).toEqual(["/api/runs/A", "/api/runs/A/series"]);
  [answer, list] = [fine, rows(1)];
  comparison.see(list);
  await vi.advanceTimersByTimeAsync(10);
  expect(comparison.runs[0]?.failure).toBe(null);
  comparison.stop();
});
