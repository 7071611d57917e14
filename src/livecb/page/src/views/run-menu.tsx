import { useEffect, useRef, useState } from "preact/hooks";
import { copied } from "../copied";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { lazy } from "./lazy";

const Sharing = lazy(() => import("./sharing"), (module) => module.Sharing);

/** How many watch with one, and the way to share a run, to take it along, and to be told of it. */
export function RunMenu({ session }: { session: RunSession }) {
  useTopics(session.topics, "state");
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    const onDown = (event: Event): void => void (place.current?.contains(event.target as Node) || setOpen(false));
    addEventListener("pointerdown", onDown);
    return () => removeEventListener("pointerdown", onDown);
  }, [open]);
  if (copied || !session.state) return null;
  return (
    <>
      <Present viewers={session.state.viewers} here={session.link.kind === "live"} />
      <span class="run-menu" ref={place} onKeyDown={(event) => open && event.key === "Escape" && (event.stopPropagation(), close())}>
        <button ref={button} type="button" class="quiet" aria-haspopup="dialog" aria-expanded={open} aria-label="Share, save, be told"
          title="Share, save, be told" onClick={() => setOpen(!open)}>
          <span aria-hidden="true">⋯</span>
        </button>
        {open && <Sharing session={session} />}
      </span>
    </>
  );
}

/** A number that is worth its room once somebody else is there. */
function Present({ viewers, here }: { viewers: number; here: boolean }) {
  if (!here || viewers < 2) return null;
  return <span class="present" title={`${viewers} watch this run now: browsers, whatever their tabs, and programs. You are one of them.`}>{viewers} watching</span>;
}
