import type { MetricState, State } from "../client/api";
import { count, value, valueBeside } from "../data/format";
import { toNumber, type Num } from "../data/number";

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
                <th scope="row">{name}</th>
                <td class="now">{valueBeside(toNumber(metric.value), toNumber(metric.previous))}</td>
                <td>{where(metric.step)}</td>
                <td>{held(metric.best)}</td>
                <td>{metric.best === null ? "" : where(metric.best_step)}</td>
                <td>{held(metric.min)}</td>
                <td>{held(metric.max)}</td>
                <td>{points(metric)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function held(number: Num | null): string {
  return number === null ? "" : value(toNumber(number));
}

function where(step: number | null): string {
  return step === null ? "" : count(step);
}

function points(metric: MetricState): string {
  return count(metric.count) + (metric.nonfinite > 0 ? `, ${count(metric.nonfinite)} not finite` : "");
}
