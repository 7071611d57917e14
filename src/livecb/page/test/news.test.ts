import { describe, expect, test } from "vitest";
import type { State } from "../client/api";
import type { ModelCompleted } from "../client/generated/events";
import { newsOf, newsOfModel } from "../src/data/news";

type Told = Parameters<typeof newsOf>[0];

const alert = (title: string, more: object = {}) => ({ type: "alert", seq: 1, time: 50, title, ...more }) as State["alerts"][number];
const told = (more: Partial<Told> = {}): Told => ({
  run: "a-run", name: "mlp", status: "running", now: 100, ended: null, error: null, reason: null, stopped_by: null, alerts: [], ...more,
});

describe("what is news in a state", () => {
  test("nothing where nothing happened, nor what was so before", () => {
    expect(newsOf(told(), told({ now: 101 }))).toEqual([]);
    const over = told({ status: "failed", ended: 90, alerts: [alert("NaN")] });
    expect(newsOf(over, { ...over, now: 101 })).toEqual([]);
  });

  test("each alert once, graver ones as what went wrong", () => {
    const before = told({ alerts: [alert("Plateau")] });
    const now = told({ alerts: [alert("Plateau"), alert("NaN", { seq: 2, level: "ERROR", text: "in train/loss" })] });
    expect(newsOf(before, now)).toMatchObject([{ mood: "bad", title: "NaN", text: "in train/loss · mlp", grave: true }]);
  });

  test("how a run ended, and why", () => {
    expect(newsOf(told(), told({ status: "completed", ended: 99 }))).toMatchObject([{ mood: "good", title: "mlp has completed", text: "" }]);
    expect(newsOf(told(), told({ status: "failed", error: "RuntimeError: no" }))).toMatchObject([{ mood: "bad", text: "RuntimeError: no" }]);
    expect(newsOf(told(), told({ status: "stopped", stopped_by: "ada" }))).toMatchObject([{ mood: "calm", title: "mlp was stopped", text: "by ada" }]);
    expect(newsOf(told(), told({ status: "crashed" }))).toMatchObject([{ mood: "bad", title: "mlp has crashed" }]);
  });

  test("a second end after a run was taken up again is other news than the first", () => {
    const [first] = newsOf(told(), told({ status: "stopped", ended: 90 }));
    const [second] = newsOf(told({ status: "running" }), told({ status: "stopped", ended: 99 }));
    expect(first?.key).not.toBe(second?.key);
  });
});

test("a candidate is told of with its scores, or with why it has none", () => {
  const model = (more: object) => ({ type: "model_completed", seq: 3, time: 9, name: "svc", ok: true, ...more }) as ModelCompleted;
  expect(newsOfModel(model({ scores: { acc: 0.91234, f1: "NaN", third: 1 } }))).toMatchObject({ mood: "good", title: "svc", text: "acc 0.9123 · f1 NaN", grave: false });
  expect(newsOfModel(model({ ok: false, reason: "ValueError: no" }))).toMatchObject({ mood: "bad", text: "failed: ValueError: no" });
  expect(newsOfModel(model({ ok: false, outcome: "pruned" }))).toMatchObject({ mood: "calm", text: "pruned" });
});
