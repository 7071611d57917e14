import { count, value } from "../data/format";
import type { RunRow, RunStatus, State } from "../../client/api";

/** How a status is meant: it decides about colours. */
export type Mood = "live" | "wait" | "good" | "warn" | "bad" | "calm";

const MOODS: Record<RunStatus, Mood> = {
  starting: "wait", running: "live", paused: "warn", stalled: "warn", evaluating: "live", saving: "live",
  predicting: "live", sanity_checking: "live", completed: "good", failed: "bad", stopped: "calm", killed: "bad",
  crashed: "bad",
};

export function moodOf(status: RunStatus): Mood {
  return MOODS[status] ?? "calm";
}

export function statusWord(status: RunStatus): string {
  return status.replace("_", " ");
}

/** The chip's words: the status, and where in the training it is. */
export function chipWords(state: State): string {
  const words = [statusWord(state.status)];
  const live = ["live", "warn"].includes(moodOf(state.status));
  if (live && state.status === "running" && state.epoch !== null && state.totals?.epochs !== 1) {
    const total = state.totals?.epochs ?? Infinity;
    words.push(`epoch ${Math.min(Math.floor(state.epoch) + 1, total)}${state.phase ? ` ${state.phase}` : ""}`);
  } else if (live && state.phase && state.phase !== state.status) {
    words.push(state.phase);
  }
  if (!live && state.reason && state.status !== "failed") words.push(state.reason.replaceAll("_", " "));
  return words.join(" · ");
}

/** What an ending means, in a sentence: null where nothing needs to be said. */
export function meaning(state: State): string | null {
  switch (state.status) {
    case "failed":
      return "The training raised an exception. Everything up to it is below.";
    case "crashed":
      return "The process is gone without a last word: killed by the system (out of memory?), by kill -9, or the machine went down. Everything it said until then is below.";
    case "killed":
      return "A signal ended the process. Everything it said until then is below.";
    case "stalled":
      return state.message ?? "The process lives, but nothing has come from it for a while.";
    default:
      return null;
  }
}

const FRAMEWORKS: Record<string, string> = {
  lightning: "Lightning", transformers: "Transformers", pytorch_lightning: "PyTorch Lightning", sklearn: "scikit-learn",
  keras: "Keras", xgboost: "XGBoost", lightgbm: "LightGBM", catboost: "CatBoost", optuna: "Optuna", torch: "PyTorch",
  accelerate: "Accelerate",
};

/** A framework and the versions that matter. */
export function frameworkWords(row: Pick<RunRow, "framework"> & { versions?: Record<string, string> }): string[] {
  const words: string[] = [];
  const { framework, versions = {} } = row;
  if (framework) words.push(`${FRAMEWORKS[framework] ?? framework} ${versions[framework] ?? ""}`.trim());
  if (versions.torch && framework !== "torch") words.push(`torch ${versions.torch}`);
  return words;
}

/** Where an event stands, in a word or two: the first axis it knows. */
export function captionOf(said: { step?: number | null; batch?: number | null; epoch?: number | null; samples?: number | null }): string {
  if (said.step != null) return `step ${count(said.step)}`;
  if (said.batch != null) return `batch ${count(said.batch)}`;
  if (said.samples != null) return `sample ${count(said.samples)}`;
  return said.epoch == null ? "" : `epoch ${value(said.epoch, 3)}`;
}
