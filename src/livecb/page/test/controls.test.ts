import { expect, test } from "vitest";
import type { Command } from "../client/generated/events";
import {
  buttonsOf, choicesOf, commonReason, deedOf, fateOf, given, latestCommands, pauseOf, pending, typed, valueNow, type Steered,
} from "../src/data/controls";

let seq = 0;

function command(name: string, phase: Command["phase"], more: Record<string, unknown> = {}): Command {
  return { type: "command", seq: seq++, time: 100 + seq, name, phase, by: "ada", id: name, ...more } as Command;
}

function steered(more: Partial<Steered> = {}): Steered {
  const commands = { pause: "", resume: "", stop: "", save: "", evaluate: "no data", sample: "not here" };
  return { status: "running", alive: true, attempt_started: 0, controls: { commands, parameters: [] }, commands: [], ...more };
}

test("of pausing and going on the one is offered that fits", () => {
  expect(buttonsOf(steered()).map(({ name }) => name)).toEqual(["pause", "stop", "save", "evaluate", "sample"]);
  expect(buttonsOf(steered({ status: "paused" }))[0]).toMatchObject({ name: "resume", label: "Resume", reason: null });
});

test("what cannot be asked says why, and a run that is gone offers nothing", () => {
  const reasons = Object.fromEntries(buttonsOf(steered()).map(({ name, reason }) => [name, reason]));
  expect(reasons).toEqual({ pause: null, stop: null, save: null, evaluate: "no data", sample: "not here" });
  expect(buttonsOf(steered({ alive: false }))).toEqual([]);
  expect(buttonsOf(steered({ controls: null }))).toEqual([]);
});

test("stopping says that it saves first only where it does", () => {
  const label = (save: string) =>
    buttonsOf(steered({ controls: { commands: { stop: "", save }, parameters: [] } })).find(({ name }) => name === "stop")?.label;
  expect([label(""), label("nothing to save")]).toEqual(["Stop and save", "Stop"]);
});

test("what was asked is open until its own answer comes", () => {
  const commands = [command("pause", "asked", { id: "1" }), command("pause", "asked", { id: "2" }), command("pause", "refused", { id: "1" })];
  expect(pending(steered({ commands })).get("pause")).toEqual({ key: "pause", by: "ada" });
  expect(pending(steered({ commands: [...commands, command("pause", "applied", { id: "2" })] })).size).toBe(0);
  expect(pending(steered({ commands, attempt_started: 10_000 })).size).toBe(0);
});

test("each parameter has a wish of its own", () => {
  const commands = [command("set", "asked", { id: "1", parameter: "lr" }), command("set", "asked", { id: "2", parameter: "t" }), command("set", "applied", { id: "1", parameter: "lr" })];
  expect([...pending(steered({ commands })).keys()]).toEqual(["set t"]);
});

test("each candidate has a wish of its own, also where the run chose it", () => {
  const commands = [command("drop", "asked", { id: "1", new: "svc" }), command("skip", "asked", { id: "2" })];
  expect([...pending(steered({ commands })).keys()]).toEqual(["drop svc", "skip"]);
  expect(pending(steered({ commands: [...commands, command("skip", "applied", { id: "2", new: "mlp" })] })).has("skip")).toBe(false);
});

test("one reason for all is said once", () => {
  const barred = { commands: { pause: "several processes", stop: "several processes" }, parameters: [] };
  expect(commonReason(buttonsOf(steered({ controls: barred })), [])).toBe("several processes");
  expect(commonReason(buttonsOf(steered({ controls: barred })), [{ name: "lr", reason: null }])).toBe(null);
  expect(commonReason(buttonsOf(steered()), [])).toBe(null);
  expect(commonReason([], [])).toBe(null);
});

test("a pause tells by whom, since when and until when", () => {
  const held = [command("pause", "applied", { time: 200, new: 60 }), command("set", "refused", { parameter: "lr" })];
  expect(pauseOf({ status: "paused", commands: held })).toEqual({ by: "ada", since: 200, until: 260 });
  expect(pauseOf({ status: "running", commands: held })).toBe(null);
  expect(pauseOf({ status: "paused", commands: [...held, command("resume", "applied")] })).toBe(null);
});

test("candidates are named, and the one under way comes first", () => {
  const controls = {
    commands: { skip: "", drop: "", add: "there is none to add", save: "" }, parameters: [], candidates: { skip: ["ridge"], drop: ["svc", "mlp"] },
  };
  expect(choicesOf(steered({ controls })).map(({ name, candidates }) => [name, candidates])).toEqual([["skip", ["ridge"]], ["drop", ["svc", "mlp"]]]);
});

test("a command says what it did and what became of it", () => {
  const set = command("set", "applied", { parameter: "lr", old: 0.001, new: 0.0003, step: 1100 });
  expect([deedOf(set), fateOf(set)]).toEqual(["lr 1.0e-3 → 3.0e-4", "applied at step 1,100"]);
  const refused = command("save", "refused", { reason: "the disk is full" });
  expect([deedOf(refused), fateOf(refused)]).toEqual(["save now", "refused: the disk is full"]);
  expect(deedOf(command("drop", "applied", { new: "svc" }))).toBe("dropped svc");
  expect(fateOf(command("stop", "asked"))).toBe("asked, not obeyed yet");
});

test("a value is written to six digits", () => {
  expect([0.05, 0.123456789, 8, 1e-5, -2.5, 100000, 1234567, -1.5e-10, true, "", "warm", null].map(given))
    .toEqual(["0.05", "0.123457", "8", "1.0e-5", "\u22122.5", "100,000", "1,234,567", "\u22121.5e-10", "on", "“”", "warm", "–"]);
  expect(deedOf(command("set", "applied", { parameter: "lr", old: 0.003960441545911196, new: 0.0005 }))).toBe("lr 0.00396044 → 5.0e-4");
});

test("a value in a field is short, and means the same when it is typed again", () => {
  expect([0.01, 0.001, 0.00002196806, 1e-4, 0, 8, -0.000021968].map(typed)).toEqual(["0.01", "0.001", "2.19681e-5", "1e-4", "0", "8", "-2.1968e-5"]);
});

test("a value that a schedule changes is what its metric says, once that is news", () => {
  const metric = (value: unknown, time: number) => ({ lr: { value, time } }) as never;
  const lr = { name: "lr", value: 0.01 };
  const set = [command("set", "applied", { parameter: "lr", new: 0.01, time: 50 })];
  expect(valueNow(lr, { metrics: metric(0.002, 60), attempt_started: 10, commands: set })).toBe(0.002);
  expect(valueNow(lr, { metrics: metric(0.002, 40), attempt_started: 10, commands: set })).toBe(0.01);
  expect(valueNow(lr, { metrics: metric(0.002, 40), attempt_started: 45, commands: [] })).toBe(0.01);
  expect(valueNow(lr, { metrics: metric("NaN", 60), attempt_started: 10, commands: [] })).toBe(0.01);
  expect(valueNow({ name: "mix", value: 0.5 }, { metrics: metric(0.002, 60), attempt_started: 10, commands: [] })).toBe(0.5);
  expect(valueNow({ name: "lr", value: "warm" }, { metrics: metric(0.002, 60), attempt_started: 10, commands: [] })).toBe("warm");
});

test("of each wish the last word counts", () => {
  const commands = [command("pause", "asked", { id: "1" }), command("save", "asked", { id: "2" }), command("pause", "applied", { id: "1" })];
  expect(latestCommands(commands, 3).map(({ name, phase }) => `${name} ${phase}`)).toEqual(["pause applied", "save asked"]);
});
