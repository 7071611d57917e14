import type { MetricState, State } from "../../client/api";
import { count } from "../data/format";
import type { Num } from "../../client/number";
import { latest, written } from "../data/tiles";

/** Every metric: its latest value, its best, smallest and largest, and where they were. */
export function Values({ state }: { state: State }) {
  const metrics = Object.entries(state.metrics);
  if (metrics.length === 0) return <p class="empty card">No values yet.</p>;
  return (
    <section class="card wide" aria-label="Latest values">
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of latest values">
        <table class="values">
          <thead>
            <tr>
              <th scope="col">metric</th>
              <th scope="col">latest</th>
              <th scope="col">step</th>
              <th scope="col">best</th>
              <th scope="col">at step</th>
              <th scope="col">smallest</th>
              <th scope="col">largest</th>
              <th scope="col">points</th>
            </tr>
          </thead>
          <tbody>
            {metrics.map(([name, metric]) => (
              <tr key={name}>
                <th scope="row" title={name}>{name}</th>
                <td class="now">{latest(metric)}</td>
                <td>{where(metric.step)}</td>
                <td>{held(metric.best, metric)}</td>
                <td>{metric.best === null ? "" : where(metric.best_step)}</td>
                <td>{held(metric.min, metric)}</td>
                <td>{held(metric.max, metric)}</td>
                <td>{points(metric)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function held(number: Num | null, metric: MetricState): string {
  return number === null ? "" : written(number, metric);
}

function where(step: number | null): string {
  return step === null ? "" : count(step);
}

function points(metric: MetricState): string {
  return count(metric.count) + (metric.nonfinite > 0 ? `, ${count(metric.nonfinite)} not finite` : "");
}
