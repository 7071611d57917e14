import type { Plot } from "./plot";

/** Points that one press with Shift passes over. */
const FAR = 10;

/** What makes the cross-hair of a chart follow arrow keys. */
export function crossHair(plot: { readonly current: Plot | null }) {
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    plot.current?.move(event.shiftKey ? by * FAR : by);
  };
  return { tabIndex: 0, onKeyDown, onBlur: () => plot.current?.leave() };
}
