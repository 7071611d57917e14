import type { SeriesAnswer } from "../../client/api";
import { pointsOf } from "./curves";
import { Series, type Point, type XAxis } from "./series";

/** The part of all curves that was zoomed into, as finely as the server has it. */
export class Detail {
  readonly byName = new Map<string, Series>();

  /**
   * @param answer what the server has between `from` and `to` on `axis`
   * @param whole the curves as they are: what lies beyond what the server was asked for comes from them
   */
  constructor(
    readonly axis: XAxis, readonly from: number, readonly to: number, answer: SeriesAnswer,
    whole: ReadonlyMap<string, Series>,
  ) {
    for (const [name, columns] of Object.entries(answer.series)) {
      const base = whole.get(name);
      if (!base?.thinned) continue;
      const fine = new Series();
      fine.load(pointsOf(columns), columns.count, columns.thinned);
      for (let i = 0; i < base.length; i++) if (base.x(axis, i) > to) fine.append(pointAt(base, i));
      fine.rewind(answer.rewinds);
      this.byName.set(name, fine);
    }
  }

  /** Whether it knows this part of this axis. */
  fits(axis: XAxis, from: number | null): boolean {
    return axis === this.axis && from !== null && from >= this.from;
  }
}

function pointAt(series: Series, index: number): Point {
  return {
    value: series.value.at(index),
    step: series.step.at(index),
    batch: series.batch.at(index),
    epoch: series.epoch.at(index),
    samples: series.samples.at(index),
    tokens: series.tokens.at(index),
    time: series.time.at(index),
    attempt: series.attempt.at(index),
  };
}
