import type { State } from "../../client/api";
import { meaning, moodOf, statusWord } from "./words";

/** What went wrong, in words first, then the traceback. */
export function Failure({ state }: { state: State }) {
  const mood = moodOf(state.status);
  const words = meaning(state);
  if (!words || (mood !== "bad" && mood !== "warn")) return null;
  return (
    <section class={`failure ${mood}`} role="alert" aria-label={`The run has ${statusWord(state.status)}`}>
      <p>
        <b>{state.error ?? `This run ${state.status === "stalled" ? "is" : "was"} ${statusWord(state.status)}`.replace("was crashed", "crashed")}</b>
        <span>{words}</span>
      </p>
      {state.traceback && (
        <details open={state.status === "failed"}>
          <summary>{state.status === "failed" ? "Traceback" : "Where it was"}</summary>
          <pre class="mono" tabIndex={0}>{state.traceback}</pre>
        </details>
      )}
    </section>
  );
}
