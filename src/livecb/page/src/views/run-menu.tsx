import { copied } from "../copied";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { lazy } from "./lazy";
import { usePopup } from "./popup";

const Sharing = lazy(() => import("./sharing"), (module) => module.Sharing);

/** How many watch with one, and the way to share a run, to take it along, and to be told of it. */
export function RunMenu({ session }: { session: RunSession }) {
  useTopics(session.topics, "state");
  const popup = usePopup();
  if (copied || !session.state) return null;
  return (
    <>
      <Present viewers={session.state.viewers} here={session.link.kind === "live"} />
      <span class="run-menu" {...popup.place}>
        <button type="button" class="quiet" aria-haspopup="dialog" aria-label="Share, save, be told" title="Share, save, be told" {...popup.button}>
          <span aria-hidden="true">⋯</span>
        </button>
        {popup.open && <Sharing session={session} />}
      </span>
    </>
  );
}

/** A number that is worth its room once somebody else is there. */
function Present({ viewers, here }: { viewers: number; here: boolean }) {
  if (!here || viewers < 2) return null;
  return <span class="present" title={`${viewers} watch this run now: browsers, whatever their tabs, and programs. You are one of them.`}>{viewers} watching</span>;
}
