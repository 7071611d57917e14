import type { System } from "../../client/generated/events";
import { Curves } from "./curves";
import type { ChartSpec, LineSpec } from "./charts";
import { placeOn, type Point, type Series } from "./series";

const GB = 1e9;

/** How the machine was used, as curves: what came with the log's history, joined with what comes. */
export class Machine {
  readonly curves = new Curves();
  #latest = -Infinity;
  #skipped = false;

  /** Take in figures that are newer than all before; `beside` tells where the run was then. */
  add(system: System, beside: Series | null): void {
    if (!(system.time > this.#latest) || system.rank) return;
    if (this.#skipped) this.#leaveGap((this.#latest + system.time) / 2, beside);
    this.#latest = system.time;
    const place = placeAt(beside, system.time);
    for (const [name, value] of figuresOf(system)) this.curves.put(name, { ...place, time: system.time, value });
  }

  /** What comes next does not go on from what came last: no line is drawn between them. */
  skip(): void {
    this.#skipped = true;
  }

  #leaveGap(time: number, beside: Series | null): void {
    this.#skipped = false;
    for (const name of this.curves.byName.keys()) this.curves.put(name, { ...placeAt(beside, time), time, value: NaN });
  }

  /** The strips there is something to draw in. */
  get charts(): ChartSpec[] {
    const names = [...this.curves.byName.keys()];
    return STRIPS.flatMap(([title, begins]) => {
      const lines = names.filter((name) => begins.test(name)).map(lineOf);
      return lines.length > 0 ? [{ title, lines }] : [];
    });
  }
}

const STRIPS: [string, RegExp][] = [
  ["CPU %", /^(cpu|process cpu)$/], ["memory GB", /^(memory|process)$/], ["GPU %", /^GPU \d+$/], ["GPU memory GB", /^GPU \d+ memory$/],
  ["GPU °C", /^GPU \d+ temperature$/], ["GPU W", /^GPU \d+ power$/],
];

function lineOf(metric: string, at: number): LineSpec {
  return { metric, label: metric, color: at % 7, dash: at < 5 ? 0 : 1, dots: false, exact: true };
}

function figuresOf(system: System): [string, number][] {
  const said: [string, number | null | undefined, number][] = [
    ["cpu", system.cpu, 1], ["process cpu", system.process_cpu, 1], ["memory", system.memory_used, GB], ["process", system.process_memory, GB],
    ...(system.gpus ?? []).flatMap(({ index, load, memory_used, temperature, power }): [string, number | null | undefined, number][] => [
      [`GPU ${index}`, load, 1], [`GPU ${index} memory`, memory_used, GB], [`GPU ${index} temperature`, temperature, 1], [`GPU ${index} power`, power, 1],
    ]),
  ];
  return said.flatMap(([name, held, unit]) => (held == null ? [] : [[name, held / unit]]));
}

/** Where the run was at a time: as far as the last point of a curve before it. */
function placeAt(curve: Series | null, time: number): Omit<Point, "time" | "value"> {
  const known = { step: NaN, batch: NaN, epoch: NaN, samples: NaN, tokens: NaN, attempt: 1 };
  if (!curve) return known;
  let [low, high] = [0, curve.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.time.at(middle) <= time) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return known;
  const at = (axis: "step" | "batch" | "epoch" | "samples" | "tokens"): number => curve[placeOn(axis)].at(low - 1);
  return { step: at("step"), batch: at("batch"), epoch: at("epoch"), samples: at("samples"), tokens: at("tokens"), attempt: curve.attempt.at(low - 1) };
}
