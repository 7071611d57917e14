import type { Copied } from "../copied";

/** What this file says of itself. */
export const copied = JSON.parse(document.getElementById("copied")?.textContent ?? "null") as Copied | null;
