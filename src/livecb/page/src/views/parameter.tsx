import { useId, useState } from "preact/hooks";
import { given, typed, type Asked, type Parameter } from "../data/controls";
import { PLACES, openScaleOf, parsed, scaleOf, type Scale } from "../data/scale";
import { Reasoned } from "./reasoned";

interface Props {
  parameter: Parameter;
  /** Why it cannot be set now, if it cannot. */
  reason: string | null;
  asked: Asked | null;
  /** The value that is on its way to the server. */
  sending: { value: unknown } | undefined;
  failure: string | undefined;
  set(value: unknown): void;
}

/** One value that can be set: what it is now, and what it is to be. What it is, only the run says. */
export function ParameterRow(props: Props) {
  const { parameter, reason, asked, sending, failure } = props;
  const held = parameter.value;
  return (
    <div class="parameter">
      {reason !== null ? <Fixed {...props} /> : typeof held === "boolean" ? <Switch {...props} /> : <Field {...props} />}
      {(sending || asked) && <p class="fate">{sending ? `sending ${given(sending.value)} …` : `asked by ${asked?.by}, not obeyed yet`}</p>}
      {failure !== undefined && <p class="fate bad">{failure}</p>}
    </div>
  );
}

function Fixed({ parameter, reason }: Props) {
  return (
    <div class="line">
      <span class="name" title={parameter.name}>{parameter.name}</span>
      <span class="held">{given(parameter.value)}</span>
      <Reasoned reason={reason} press={() => undefined} class="tiny">Set</Reasoned>
    </div>
  );
}

function Switch({ parameter, set }: Props) {
  const held = parameter.value === true;
  return (
    <label class="line">
      <span class="name" title={parameter.name}>{parameter.name}</span>
      <span class="held">{given(held)}</span>
      <input type="checkbox" role="switch" checked={held} onChange={(event) => {
        event.currentTarget.checked = held;
        set(!held);
      }} />
    </label>
  );
}

function sliderOf(held: number, min: number | null | undefined, max: number | null | undefined): Scale | null {
  if (min != null && max != null) return max > min ? scaleOf(min, max, held, Number.isInteger(held) && max - min >= 2) : null;
  // Whole numbers without bounds are counts, of which nobody means a thousand times as many.
  return Number.isInteger(held) ? null : openScaleOf(min, max, held);
}

function Field({ parameter, set }: Props) {
  const { name, value: held, min, max } = parameter;
  const isNumber = typeof held === "number";
  const [draft, setDraft] = useState<string | null>(null);
  const [complaint, setComplaint] = useState("");
  // The scale stays as it was at first: a slider that changes its meaning under the hand confuses.
  const [scale] = useState<Scale | null>(() => (isNumber ? sliderOf(held, min, max) : null));
  const id = useId();
  const plain = held == null ? "" : isNumber ? typed(held) : String(held);
  const same = isNumber && draft?.trim() !== "" && Number(draft) === Number(plain);
  const changed = draft !== null && draft !== plain && !same;
  const reset = (): void => (setDraft(null), setComplaint(""));
  const submit = (event: Event): void => {
    event.preventDefault();
    if (draft === null || !changed) return;
    const wanted = isNumber ? parsed(draft, min, max) : draft;
    if (isNumber && typeof wanted === "string") return setComplaint(wanted);
    reset();
    set(wanted);
  };
  const shownPlace = scale?.toPlace(Number(draft ?? held) || 0) ?? 0;
  return (
    <form onSubmit={submit} noValidate>
      <div class="line">
        <label class="name" for={id} title={name}>{name}</label>
        {scale && (
          <input type="range" min="0" max={PLACES} step="1" value={shownPlace} aria-label={`${name}, ${scale.log ? "logarithmic " : ""}slider`}
            aria-valuetext={draft ?? plain} onInput={(event) => setDraft(String(scale.toValue(Number(event.currentTarget.value))))} />
        )}
        <input id={id} class={isNumber ? "number" : "text"} type="text" inputMode={isNumber ? "decimal" : "text"} autocomplete="off" value={draft ?? plain}
          aria-invalid={complaint !== ""} aria-describedby={complaint ? `${id}-why` : undefined}
          onInput={(event) => setDraft(event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && reset()} />
      </div>
      {changed && (
        <p class="fate change">
          <span>is {given(held)}</span>
          <button type="submit">Set {isNumber ? draft : ""}</button>
          <button type="button" onClick={reset}>Undo</button>
        </p>
      )}
      {complaint && <p class="fate bad" id={`${id}-why`}>{complaint}</p>}
    </form>
  );
}
