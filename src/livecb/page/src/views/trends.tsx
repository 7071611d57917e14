import type { SamplesAnswer } from "../../client/api";
import { change, value } from "../data/format";

type Trend = SamplesAnswer["trends"][string];

const [WIDTH, HEIGHT] = [220, 44];
const MOST_EPOCHS = 200;

/** How the mean of each score went from epoch to epoch, as small lines. */
export function Trends({ trends, scores }: { trends: Record<string, Trend>; scores: readonly string[] }) {
  const shown = scores.flatMap((name) => (trends[name] && trends[name].means.length > 1 ? [{ name, trend: trends[name] }] : []));
  if (shown.length === 0) return null;
  return (
    <section class="card trends" aria-label="Quality by epoch">
      {shown.map(({ name, trend }) => (
        <figure key={name}>
          <figcaption>
            <span title={name}>{name}</span> <b>{value(trend.means.at(-1) as number, 4, false)}</b>
            <span class="soft">{[trend.change === null ? "" : change(trend.change), trend.best === null ? "" : `best ${value(trend.best, 4, false)} in epoch ${trend.best_epoch}`].filter(Boolean).join(" · ")}</span>
          </figcaption>
          <Line name={name} trend={trend} />
        </figure>
      ))}
    </section>
  );
}

function Line({ name, trend }: { name: string; trend: Trend }) {
  const means = trend.means.slice(-MOST_EPOCHS);
  const epochs = trend.epochs.slice(-MOST_EPOCHS);
  const low = Math.min(...means);
  const span = Math.max(...means) - low || 1;
  const x = (i: number): number => 3 + (i * (WIDTH - 6)) / (means.length - 1);
  const y = (mean: number): number => HEIGHT - 4 - ((mean - low) / span) * (HEIGHT - 8);
  const best = trend.best === null ? -1 : means.lastIndexOf(trend.best);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img"
      aria-label={`${name} from epoch ${epochs[0]} to ${epochs.at(-1)}: from ${value(means[0] as number, 4, false)} to ${value(means.at(-1) as number, 4, false)}`}>
      <path d={means.map((mean, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(mean).toFixed(1)}`).join("")} vector-effect="non-scaling-stroke" />
      {best >= 0 && <path class="best" d={`M${x(best).toFixed(1)} ${y(means[best] as number).toFixed(1)}h0.01`} vector-effect="non-scaling-stroke" />}
    </svg>
  );
}
