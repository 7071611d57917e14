import type { Link } from "../../client/link";
import { duration } from "../data/format";
import { useClock } from "../topics";

interface Words {
  tone: "live" | "wait" | "warn" | "bad" | "calm";
  text: string;
  title: string;
}

const OVER: Words = { tone: "calm", text: "ended", title: "The run is over. Should it be taken up again, it shows here." };

/** How the page stands with the server, in a word or two. */
export function linkWords(link: Link, ended: boolean): Words {
  switch (link.kind) {
    case "live":
      if (ended) return OVER;
      return { tone: "live", text: "live", title: "What happens shows within a fraction of a second." };
    case "polling":
      if (ended) return OVER;
      return { tone: "live", text: "live by polling", title: "Something between here and the server holds streams back, so the page asks instead. Nothing is lost." };
    case "replaying":
      return { tone: "wait", text: "catching up", title: "What was missed is coming in." };
    case "resting":
      return ended ? OVER : { tone: "calm", text: "resting", title: "The tab is hidden." };
    case "connecting":
      return { tone: "wait", text: "connecting", title: "Asking the server." };
    case "reconnecting": {
      const since = duration((Date.now() - link.since) / 1000);
      return { tone: "warn", text: `reconnecting for ${since}`, title: `${link.why}. Tried ${link.tries} times.` };
    }
    case "refused":
      return { tone: "bad", text: link.status === 401 || link.status === 403 ? "no access" : "not found", title: link.detail };
  }
}

export function Badge({ link, ended }: { link: Link; ended: boolean }) {
  useClock(1000, link.kind === "reconnecting");
  const { tone, text, title } = linkWords(link, ended);
  return (
    <span class={`badge ${tone}`} title={title} data-link={link.kind}>
      <i class="dot" aria-hidden="true" />
      {text}
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

interface NoticeProps {
  link: Link;
  shown: string | null;
  /** Whether no training is known to be under way that would bring its server back. */
  over: boolean;
  onRetry(): void;
}

/** What is shown while the server is away, until when it is true, and what to do once it stays away. */
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
    </div>
  );
}
