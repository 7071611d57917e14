import type { State } from "../../client/api";
import { X_AXES, type XAxis } from "./series";

type Places = Pick<State, "step" | "batch" | "epoch" | "samples" | "tokens">;

/**
 * The axes that the curves of a run can be drawn over: those it has; batches only where they are not the steps. Where
 * there are no steps, what comes next stands for them.
 */
export function axesOf({ step, batch, epoch, samples, tokens }: Places): readonly XAxis[] {
  const has = {
    step: step !== null, batch: batch !== null && batch !== step, epoch: epoch !== null, samples: samples !== null,
    tokens: tokens !== null, time: true, clock: true,
  };
  return X_AXES.filter((axis) => has[axis]);
}

/**
 * The axis to draw over: the chosen one, if the run has it. Several optimizers step in one batch, each with a
 * curve of its own: what they share is the batch.
 */
export function axisOf(places: Places, chosen: XAxis | null): XAxis {
  const axes = axesOf(places);
  if (chosen !== null && axes.includes(chosen)) return chosen;
  const { step, batch } = places;
  return step !== null && batch !== null && step > batch ? "batch" : (axes[0] as XAxis);
}

const WORDS: Partial<Record<XAxis, string>> = { time: "time since the run began", clock: "time of day" };

/** What an axis counts, in words. */
export function axisWords(axis: XAxis): string {
  return WORDS[axis] ?? axis;
}
