import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

interface Props {
  /** Why it cannot be pressed; null where it can. */
  reason: string | null;
  press(): void;
  class?: string;
  /** Whether it was pressed, and what it asks for is on its way. */
  busy?: boolean;
  children: ComponentChildren;
}

/** A button that says why it cannot be pressed: to a mouse, a finger, a keyboard and a screen reader. */
export function Reasoned({ reason, press, class: kind = "", busy = false, children }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const shown = open && reason !== null;
  return (
    <span class={`reasoned ${kind}`} onMouseEnter={() => setOpen(true)} onMouseLeave={() => setOpen(false)}>
      <button type="button" aria-disabled={reason !== null} aria-busy={busy} aria-describedby={reason === null ? undefined : id}
        onClick={() => (reason === null ? press() : setOpen(true))} onFocus={() => setOpen(true)} onBlur={() => setOpen(false)}
        onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
        {children}
      </button>
      {reason !== null && <span class={`tip ${shown ? "" : "sr"}`} role="tooltip" id={id}>{reason}</span>}
    </span>
  );
}
