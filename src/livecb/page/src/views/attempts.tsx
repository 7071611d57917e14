import type { State } from "../../client/api";
import { attemptsOf } from "../data/attempts";
import { Card } from "./aside";

const BAD = new Set(["failed", "crashed", "killed"]);

/** When and why each attempt of a run ended that was taken up again; nothing for a run that was not. */
export function AttemptsCard({ state, now }: { state: State; now: number }) {
  if (state.attempts.length < 2) return null;
  return (
    <Card title="Attempts" class="attempts">
      <ul>
        {attemptsOf(state.attempts, now).map((each) => (
          <li key={each.attempt} class={BAD.has(each.status) ? "bad" : ""}>
            <b>{each.attempt}</b>
            <div>
              <span class="fate" title={each.fate}>{each.fate}</span>
              <span class="when">{each.when}</span>
              {each.changes.map((change) => <span key={change} class="when mono">{change}</span>)}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
