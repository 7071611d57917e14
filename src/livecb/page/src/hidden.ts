/** A tab that follows by itself, and that nobody has seen for so long, lets its connection go. */
const REST_AFTER_MS = 10_000;

/**
 * Calls `rest` when the tab has been hidden for a while and follows `alone`, and `wake` when it is seen again after that.
 * Returns what stops it.
 */
export function restWhileHidden(alone: () => boolean, rest: () => void, wake: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let resting = false;
  const onVisibility = (): void => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => {
        resting = alone();
        if (resting) rest();
      }, REST_AFTER_MS);
    } else if (resting) {
      resting = false;
      wake();
    }
  };
  document.addEventListener("visibilitychange", onVisibility);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisibility);
  };
}
