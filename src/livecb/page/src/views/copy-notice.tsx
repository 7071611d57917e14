import type { Copied } from "../copied";

/** What a copy of a run is, and what it is not. */
export function CopyNotice({ copied: { at, left } }: { copied: Copied }) {
  return (
    <footer class="copy-notice">
      <p>A copy of the run as it was on {dateOf(at)}. Nothing in it changes, and it asks nobody for anything.</p>
      {left.length > 0 && <p>Left out, to keep it small: {left.join(" ")}</p>}
    </footer>
  );
}

export function dateOf(unix: number): string {
  return new Date(unix * 1000).toLocaleString(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}
