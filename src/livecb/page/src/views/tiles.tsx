import type { State } from "../../client/api";
import type { Gpu, System } from "../../client/generated/events";
import { bytes, count, value } from "../data/format";
import { toNumber } from "../../client/number";
import { telling, tileOf, type Tile } from "../data/tiles";
import { hasEnded, type RunSession } from "../session";

const TILES = 5;

/** The five values that tell most, each with what it means now. */
export function Tiles({ session }: { session: RunSession }) {
  const state = session.state as State;
  const machine = state.system && machineTile(state.system);
  const tiles = boardTiles(state);
  const names = telling(state.metrics, TILES - tiles.length - Number(machine !== null), tiles.map(({ key }) => key));
  tiles.push(...names.map((name) => tileOf(name, state.metrics[name]!, session.curves.byName.get(name))));
  const isElsewhere = ["sample", "image", "figure"].some((type) => state.counts[type]);
  if (tiles.length === 0 && isElsewhere) return null;
  if (machine && tiles.length > 0) tiles.push(machine);
  if (tiles.length === 0) return <p class="empty">No values yet. The first metric that is logged shows here.</p>;
  return (
    <dl class="tiles">
      {tiles.map((tile) => (
        <div class="tile" key={tile.key}>
          <dt title={tile.key}>{tile.key}</dt>
          <dd class="v">{tile.value}</dd>
          <dd class="d">
            {tile.best && <b>{hasEnded(state) ? "best" : "best now"}</b>}
            {tile.note}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The best candidate so far; where there is nothing else to tell, how many there are as well. */
function boardTiles(state: State): Tile[] {
  const [best] = state.leaderboard;
  if (!best?.ok) return [];
  const [main, ...others] = Object.entries(best.scores ?? {});
  const alone = Object.keys(state.metrics).length === 0;
  // One candidate is its own curves' best.
  if (!main || (!alone && state.leaderboard.length < 2)) return [];
  const tiles = [{ key: `best ${main[0]}`, value: value(toNumber(main[1])), best: false, note: best.name }];
  if (!alone) return tiles;
  for (const [name, score] of others.slice(0, 2)) {
    tiles.push({ key: name, value: value(toNumber(score)), best: false, note: `of ${best.name}` });
  }
  const { total, ...ends } = state.candidates;
  const note = Object.entries(ends).flatMap(([end, number]) => (number > 0 ? `${count(number)} ${end}` : []));
  return [...tiles, { key: "candidates", value: count(total), best: false, note: note.join(" · ") || "none failed" }];
}

function machineTile(system: System): Tile | null {
  const gpu = system.gpus?.[0];
  if (gpu?.memory_used != null) return gpuTile(gpu, system.gpus?.length ?? 1);
  if (system.process_memory == null) return null;
  const load = system.process_cpu == null ? "" : ` · CPU ${Math.round(system.process_cpu)}%`;
  const of = system.memory_total == null ? "" : `of ${bytes(system.memory_total)}`;
  return { key: `process${load}`, value: bytes(system.process_memory), best: false, note: of };
}

function gpuTile(gpu: Gpu, gpus: number): Tile {
  const load = gpu.load == null ? "" : ` · ${Math.round(gpu.load)}%`;
  const heat = gpu.temperature == null ? "" : ` · ${Math.round(gpu.temperature)}\u00a0°C`;
  const of = gpu.memory_total == null ? "" : `of ${bytes(gpu.memory_total)}`;
  const more = gpus > 1 ? ` · first of ${gpus}` : "";
  return { key: `GPU ${gpu.index}${load}${heat}`, value: bytes(gpu.memory_used ?? 0), best: false, note: of + more };
}
