import type { State } from "../client/api";
import { X_AXES, type XAxis } from "./series";

type Places = Pick<State, "step" | "batch">;

/** The axes that the curves of a run can be drawn over; batches only where they are not the steps. */
export function axesOf({ step, batch }: Places): readonly XAxis[] {
  return batch === null || batch === step ? X_AXES.filter((axis) => axis !== "batch") : X_AXES;
}

/**
 * The axis to draw over: the chosen one, if the run has it. Several optimizers step in one batch, each with a
 * curve of its own: what they share is the batch.
 */
export function axisOf({ step, batch }: Places, chosen: XAxis | null): XAxis {
  if (chosen !== null && axesOf({ step, batch }).includes(chosen)) return chosen;
  return step !== null && batch !== null && step > batch ? "batch" : "step";
}
