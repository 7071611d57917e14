import { useEffect, useRef } from "preact/hooks";
import type { News } from "../data/news";
import type { Telling } from "../telling";
import { useTopics } from "../topics";

/** How long what is worth only a glance stays, and what is worth more; what went wrong stays until it is put away. */
const GLANCE_MS = 7_000;
const GRAVE_MS = 20_000;

/** What just happened, in the corner: read out to who does not see it. */
export function Toasts({ telling }: { telling: Telling }) {
  useTopics(telling.topics, "toasts");
  const { toasts, more } = telling;
  return (
    <section class="toasts" role="log" aria-live="polite" aria-label="News">
      {toasts.map((toast) => <Toast key={toast.key} toast={toast} close={() => telling.dismiss(toast.key)} />)}
      {more > 0 && toasts.length > 0 && <p class="further-news">and {more} more</p>}
    </section>
  );
}

function Toast({ toast, close }: { toast: News; close(): void }) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const rest = (): void => clearTimeout(timer.current);
  const run = (): void => {
    rest();
    if (toast.mood !== "bad" || !toast.grave) timer.current = setTimeout(close, toast.grave ? GRAVE_MS : GLANCE_MS);
  };
  useEffect(() => (run(), rest), [toast.key]);
  return (
    <div class={`toast ${toast.mood}`} onMouseEnter={rest} onMouseLeave={run} onFocusIn={rest} onFocusOut={run}>
      <i class="dot" aria-hidden="true" />
      <div>
        <b><bdi>{toast.title}</bdi></b>
        {toast.text && <span><bdi>{toast.text}</bdi></span>}
      </div>
      <button type="button" class="close" aria-label={`Put away: ${toast.title}`} onClick={close}>×</button>
    </div>
  );
}
