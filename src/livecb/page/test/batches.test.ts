import { expect, test } from "vitest";
import type { Message } from "../client/sse";
import { Batches } from "../src/streams/batches";
import { furthest, knownOf } from "../src/streams/cursors";
import { Reader } from "../src/streams/reader";

const event = (data: string, id: string | null): Message => ({ event: "", data, id });

/** What a reader at a place is told of a batch, and where it stands then; null where it must ask. */
function told(cursor: string, before: string, messages: Message[], after: string): [string[], string] | null {
  const lines: string[] = [];
  const reader = new Reader(1, { run: "a", cursor, query: {} }, (said) => {
    if (said.kind === "news") lines.push(...said.messages.map(({ event, data, id }) => event || `${data} ${id}`));
  });
  return reader.hear({ before, messages, after }) ? [lines, reader.cursor] : null;
}

test("the furthest of two places is so part by part", () => {
  expect(furthest("120", "119")).toBe("120");
  expect(furthest("0", "main@120,1@7")).toBe("main@120,1@7");
  expect(furthest("main@120,1@7", "main@119,1@8")).toBe("main@120,1@8");
});

test("an event alone is known by its own part, those that came together by all they moved", () => {
  expect(knownOf("6", "5", "7", true)).toBe("none");
  expect(knownOf("6", "5", "7", false)).toBe("some");
  expect(knownOf("main@9,1@4", "main@5,1@3", "main@7,1@4", false)).toBe("all");
  expect(knownOf("main@6,1@4", "main@5,1@3", "main@7,1@4", true)).toBe("some");
});

test("a reader that is ahead of the stream takes what is new to it, in each part", () => {
  const messages = [event("m2", "main@2,1@1"), event("r2", "main@2,1@2"), event("r3", "main@2,1@3")];
  expect(told("main@5,1@2", "main@1,1@1", messages, "main@2,1@3")).toEqual([["r3 main@5,1@3"], "main@5,1@3"]);
  expect(told("main@1,1@1", "main@1,1@1", messages, "main@2,1@3")?.[0]).toHaveLength(3);
});

test("of a stretch that tells only its end a reader takes all, nothing, or asks", () => {
  const stretch = [event("3", null), event("4", "4")];
  expect(told("1", "2", stretch, "4")).toEqual([["3 null", "4 4"], "4"]);
  expect(told("4", "2", stretch, "4")).toEqual([[], "4"]);
  expect(told("3", "2", stretch, "4")).toBeNull();
});

test("after a reset a reader takes all, however far ahead it was", () => {
  const messages = [event("old", "9"), { event: "reset", data: "{}", id: null }, event("new", "1")];
  expect(told("20", "8", messages, "1")).toEqual([["reset", "new 1"], "1"]);
});

test("what a stream says is sorted by run, each with its own places", () => {
  const batches = new Batches([["a", "1"], ["b", "0"], ["c", "7"]]);
  batches.hear({ event: "a", data: "a2", id: "a@2,c@7" });
  batches.hear({ event: "b", data: "b1", id: "a@2,b/1@1,c@7" });
  batches.hear({ event: "state", data: '{"run":"a"}', id: null });
  expect(batches.take("a@2,b/1@1,c@7")).toEqual([
    ["a", { before: "1", messages: [event("a2", "2"), { event: "state", data: '{"run":"a"}', id: null }], after: "2" }],
    ["b", { before: "0", messages: [event("b1", "1@1")], after: "1@1" }],
  ]);
  expect(batches.take("a@2,b/1@1,c@7")).toEqual([]);
});

test("the end of a stretch is the place of its last event", () => {
  const batches = new Batches([["a", "0"], ["b", "0"]]);
  for (const data of ["a1", "a2"]) batches.hear({ event: "a", data, id: null });
  batches.hear({ event: "cursor", data: "", id: "a@2" });
  batches.hear({ event: "b", data: "b1", id: null });
  batches.hear({ event: "cursor", data: "", id: "a@2,b@1" });
  expect(batches.take("a@2,b@1").map(([, { messages }]) => messages.map(({ id }) => id))).toEqual([[null, "2"], ["1"]]);
});

test("a log that begins anew stands at its beginning, however far another run's event came with it", () => {
  const batches = new Batches([["a", "100"], ["b", "4"]]);
  batches.hear({ event: "b", data: "b5", id: "a@100,b@5" });
  batches.hear({ event: "reset", data: '{"run":"a","cursor":"b@5"}', id: null });
  expect(batches.take("a@100,b@5").map(([run, { after }]) => [run, after])).toEqual([["a", "0"], ["b", "5"]]);
  expect(batches.cursor).toBe("b@5");
  batches.hear({ event: "a", data: "a1", id: "a@1,b@5" });
  expect(batches.take("a@1,b@5").map(([run, { before, after }]) => [run, before, after])).toEqual([["a", "0", "1"]]);
});
