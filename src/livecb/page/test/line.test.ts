import { expect, test } from "vitest";
import { lineOf } from "../client/line";
import type { LivecbEvent } from "../client/generated/events";

function line(event: object): string {
  return lineOf({ seq: 0, time: 1, ...event } as LivecbEvent);
}

test("the type stands first, what is not there is left out, and a line is one line", () => {
  expect(line({ type: "log", message: "a\nb", step: undefined })).toBe('{"type":"log","seq":0,"time":1,"message":"a\\nb"}\n');
});

test("numbers that JSON does not have are written as the log writes them", () => {
  expect(JSON.parse(line({ type: "metrics", epoch: NaN, values: { a: NaN, b: Infinity, c: -Infinity, d: 0.5 } }))).toMatchObject({
    epoch: null, values: { a: "NaN", b: "Infinity", c: "-Infinity", d: 0.5 },
  });
  expect(JSON.parse(line({ type: "run_started", config: { lr: [NaN, 1], at: new Date(0) } })).config).toEqual({
    lr: [{ $float: "NaN" }, 1], at: "1970-01-01T00:00:00.000Z",
  });
});
