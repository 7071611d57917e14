import { afterEach, beforeEach, expect, test } from "vitest";
import type { Link } from "../client/link";
import { Group } from "../src/streams/group";
import { Reader } from "../src/streams/reader";
import { SHARED, type Said } from "../src/streams/wire";
import { Serving, until } from "./serving";

let serving: Serving;
let group: Group;
beforeEach(async () => {
  serving = new Serving();
  group = new Group(await serving.start(), { state: 1 }, SHARED.runs);
});
afterEach(() => serving.stop());

interface Follower {
  reader: Reader;
  lines: string[];
  others: string[];
  links: Link["kind"][];
}

function follow(run: string, cursor: string, heard: (said: Said) => void = () => undefined): Follower {
  const reader = new Reader(1, { run, cursor, query: {} }, (said) => {
    heard(said);
    if (said.kind === "link") follower.links.push(said.link.kind);
    if (said.kind !== "news") return;
    for (const { event, data } of said.messages) (event === "" ? follower.lines : follower.others).push(event || data);
  });
  const follower: Follower = { reader, lines: [], others: [], links: [] };
  group.add(run, reader);
  return follower;
}

/** One who follows run a, whose stream has told all there is. */
async function first(parts: Record<string, string[]>): Promise<Follower> {
  serving.runs.a = parts;
  const follower = follow("a", "0");
  await until(() => serving.streams === 1);
  serving.flow();
  await until(() => follower.lines.length === Object.values(parts).flat().filter(Boolean).length);
  return follower;
}

test("who comes behind the stream of a run of several ranks is told every line of every rank once", async () => {
  const parts = { main: ["m1", "m2"], rank1: ["r1", "r2", "r3"] };
  const one = await first(parts);
  parts.main.push("m3"); // of which the stream has said nothing yet
  const other = follow("a", "main@1,rank1@1");
  await until(() => other.lines.length >= 4);
  parts.rank1.push("r4");
  serving.flow();
  await until(() => one.lines.length >= 7 && other.lines.length >= 5);
  expect(other.lines).toEqual(["m2", "m3", "r2", "r3", "r4"]);
  expect(other.reader.cursor).toBe("main@3,rank1@4");
  expect(one.lines.slice(5)).toEqual(["m3", "r4"]);
});

test("who is ahead of the stream, by lines that it does not tell, is live at once", async () => {
  const parts = { main: ["m1", "", ""] };
  const one = await first(parts);
  const other = follow("a", "3");
  expect(other.links).toEqual(["live"]);
  parts.main.push("m4");
  serving.flow();
  await until(() => one.lines.length >= 2 && other.lines.length >= 1);
  expect(other.lines).toEqual(["m4"]);
  expect(serving.count("/events")).toBe(0);
});

test("who is ahead of the stream in one rank and behind it in another misses nothing", async () => {
  const parts = { main: ["m1", "m2"], rank1: ["r1"] };
  const one = await first(parts);
  parts.rank1.push("r2", "");
  const other = follow("a", "main@1,rank1@2");
  await until(() => other.lines.length >= 1);
  parts.main.push("m3", "");
  parts.rank1.push("r4");
  serving.flow();
  await until(() => one.lines.length >= 6 && other.lines.length >= 3);
  expect(other.lines).toEqual(["m2", "m3", "r4"]);
});

test("where nobody can tell whether a line was told, it is asked for", async () => {
  const parts = { main: ["m1"], rank1: ["r1"] };
  const one = await first(parts);
  parts.rank1.push("r2");
  const other = follow("a", "main@1,rank1@2");
  parts.main.push("");
  serving.flow(); // r2 is told where the main log has moved on, too
  await until(() => one.lines.length >= 3 && serving.count("/events") === 1);
  parts.main.push("m3");
  serving.flow();
  await until(() => one.lines.length >= 4 && other.lines.length >= 1);
  expect(other.lines).toEqual(["m3"]);
});

test("who joins a stream is told the State, with which that began", async () => {
  await first({ main: ["m1"] });
  const other = follow("a", "1");
  await until(() => other.others.length > 0);
  expect(other.others).toEqual(["state"]);
});

test("a State that was asked for is told no more when the stream told one meanwhile", async () => {
  const one = await first({ main: ["m1"] });
  serving.slow = "/runs/a";
  const other = follow("a", "1");
  await until(() => serving.count("/runs/a") === 1);
  serving.say("state", { run: "a" });
  await until(() => one.others.length === 1);
  serving.letGo();
  serving.say("writer", { run: "a", alive: false });
  await until(() => other.others.includes("writer"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(other.others).toEqual(["state", "writer"]);
});

test("who catches up while the log begins anew begins anew", async () => {
  const one = await first({ main: ["m1", "m2"] });
  serving.slow = "/events";
  const other = follow("a", "1");
  await until(() => serving.count("/events") === 1);
  serving.say("reset", { run: "a" });
  await until(() => one.others.length === 1);
  serving.letGo();
  await until(() => other.others.length > 0);
  expect(other.others[0]).toBe("reset");
});

test("a run is let go whose last reader goes while it is brought up to the stream", async () => {
  const one = await first({ main: ["m1", "m2"] });
  const other = follow("a", "1", (said) => {
    if (said.kind !== "news" || one.reader.gone) return;
    for (const reader of [one.reader, other.reader]) {
      reader.gone = true;
      group.remove(reader);
    }
  });
  await until(() => one.reader.gone);
  await until(() => group.size === 0);
});

test("a run that is not to be had is taken out of the stream once, however often that is refused meanwhile", async () => {
  serving.refused.add("b");
  serving.slow = "/b/events end";
  const [one, other] = [follow("a", "0"), follow("b", "0")];
  await until(() => serving.count("/b/events end") === 1);
  group.retryNow();
  await until(() => serving.count("/api/stream") === 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  serving.letGo();
  await until(() => one.links.includes("live"));
  expect(other.links.filter((kind) => kind === "refused")).toHaveLength(1);
  expect(one.links).not.toContain("refused");
});
