import type { Link } from "../client/link";
import { duration } from "../data/format";
import { useClock } from "../topics";

interface Words {
  tone: "live" | "wait" | "warn" | "bad" | "calm";
  text: string;
  title: string;
}

/** How the page stands with the server, in a word or two. */
export function linkWords(link: Link, ended: boolean): Words {
  switch (link.kind) {
    case "live":
      if (ended) return { tone: "calm", text: "ended", title: "The run is over. Should it be taken up again, it shows here." };
      return { tone: "live", text: "live", title: "What happens shows within a fraction of a second." };
    case "polling":
      if (ended) return { tone: "calm", text: "ended", title: "The run is over." };
      return { tone: "live", text: "live by polling", title: "Something between here and the server holds streams back, so the page asks instead. Nothing is lost." };
    case "replaying":
      return { tone: "wait", text: "catching up", title: "What was missed is coming in." };
    case "resting":
      return { tone: "calm", text: "resting", title: "The tab is hidden." };
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

/** What is shown while the server is away, and until when it is true. */
export function LinkNotice({ link, shown, onRetry }: { link: Link; shown: string | null; onRetry: () => void }) {
  useClock(1000, link.kind === "reconnecting");
  return (
    <div class="notice-place" role="status" aria-live="polite">
      {link.kind === "reconnecting" && isAway(link) && (
        <div class="notice">
          <span>
            <b>Not connected:</b> {link.why}. {shown ?? "Nothing is here yet."} The page goes on by itself from where it was.
          </span>
          <button type="button" onClick={onRetry}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}
