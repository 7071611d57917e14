import { useId, useState } from "preact/hooks";
import type { Link } from "../../client/link";
import { copied } from "../copied";
import { clock, duration } from "../data/format";
import { useClock } from "../topics";
import { dateOf } from "./copy-notice";

interface Words {
  tone: "live" | "wait" | "warn" | "bad" | "calm";
  text: string;
  title: string;
}

const OVER: Words = { tone: "calm", text: "ended", title: "The run is over. Should it be taken up again, it shows here." };

/** By which way news comes, where that is worth a word. */
const WAYS = {
  stream: "",
  socket: " By a WebSocket: something between here and the server holds event streams back.",
  poll: "",
};

/** How the page stands with the server, in a word or two; since when, and what it shows, in the title. */
export function linkWords(link: Link, ended: boolean): Words {
  if (copied) return { tone: "calm", text: "a copy", title: `The run as it was on ${dateOf(copied.at)}.` };
  const since = clock(link.since / 1000, Date.now() / 1000, true);
  switch (link.kind) {
    case "live":
      if (ended) return OVER;
      return { tone: "live", text: "live", title: `What happens shows within a fraction of a second, since ${since}.${WAYS[link.via ?? "stream"]}` };
    case "polling":
      if (ended) return OVER;
      return { tone: "live", text: "live by polling", title: `Something between here and the server holds streams back, so the page asks instead, since ${since}. Nothing is lost.` };
    case "replaying":
      return { tone: "wait", text: "catching up", title: `What was missed since ${since} is coming in. Until then you see the run as it was.` };
    case "resting":
      return ended ? OVER : { tone: "calm", text: "resting", title: `The tab was hidden at ${since}: it shows what was so then.` };
    case "connecting":
      return { tone: "wait", text: "connecting", title: `Asking the server, since ${since}.` };
    case "reconnecting": {
      const long = duration((Date.now() - link.since) / 1000);
      const offline = typeof navigator !== "undefined" && navigator.onLine === false;
      const title = `${sentence(offline ? "this computer is offline" : link.why)}. Tried ${link.tries} times since ${since}; what you see is from then.`;
      return { tone: "warn", text: `${offline ? "offline" : "reconnecting"} for ${long}`, title };
    }
    case "refused":
      return { tone: "bad", text: link.status === 401 || link.status === 403 ? "no access" : "not found", title: link.detail };
  }
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The word in the corner; pressed, it says what it means: a finger has nothing to hover with. */
export function Badge({ link, ended }: { link: Link; ended: boolean }) {
  useClock(1000, link.kind === "reconnecting");
  const [open, setOpen] = useState(false);
  const id = useId();
  const { tone, text, title } = linkWords(link, ended);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    setOpen(false);
  };
  return (
    <span class="badge-place" onKeyDown={onKey}>
      <button type="button" class={`badge ${tone}`} title={title} data-link={copied ? "copy" : link.kind} aria-expanded={open} aria-describedby={open ? id : undefined}
        onClick={() => setOpen(!open)} onBlur={() => setOpen(false)}>
        <i class="dot" aria-hidden="true" />
        {text}
      </button>
      {open && <span class="tip" role="tooltip" id={id}>{title}</span>}
    </span>
  );
}

/** Whether the server has been away long enough to speak of it. */
export function isAway(link: Link): boolean {
  return link.kind === "reconnecting" && (link.tries > 1 || Date.now() - link.since > 1000);
}

/** After so long away a server is likely gone; where a training is under way, it may be only restarting. */
const GONE_MS = 10_000;
const GONE_WHILE_TRAINING_MS = 60_000;

/** What helps once the server refuses what it showed until now. */
function nextStep(status: number): string {
  if (status === 401) return "Open the whole address that was printed, or ask for another token.";
  return status === 404 ? "Was it deleted by mistake, its owner can take it back from the trash." : "";
}

interface NoticeProps {
  link: Link;
  shown: string | null;
  /** Whether no training is known to be under way that would bring its server back. */
  over: boolean;
  onRetry(): void;
}

/** What is shown while the server is away or refuses, until when it is true, and what to do next. */
export function LinkNotice({ link, shown, over, onRetry }: NoticeProps) {
  useClock(1000, link.kind === "reconnecting");
  const gone = Date.now() - link.since > (over ? GONE_MS : GONE_WHILE_TRAINING_MS);
  return (
    <div class="notice-place" role="status" aria-live="polite">
      {link.kind === "reconnecting" && isAway(link) && (
        <div class="notice">
          <span>
            <b>Not connected:</b> {link.why}. {shown ?? "Nothing is here yet."}{" "}
            {gone && <>If its server has ended, start it again with <code class="mono">livecb view</code>. </>}
            The page goes on by itself from where it was.
          </span>
          <button type="button" onClick={onRetry}>
            Try now
          </button>
        </div>
      )}
      {link.kind === "refused" && shown && (
        <div class="notice bad">
          <span><b>{link.title}:</b> {link.detail}. {shown} {nextStep(link.status)}</span>
          <button type="button" onClick={() => location.reload()}>Load the page anew</button>
        </div>
      )}
    </div>
  );
}
