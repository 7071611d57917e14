import { copied } from "./copied";

/** Where the page is: `base` is the app's root under whatever prefix it is mounted, ending with a slash. */
export interface Place {
  base: string;
  run: string | null;
}

/** Read the place off a path: `<prefix>/` is the list of runs, `<prefix>/r/RUN` one run. A copy of a run is nowhere else. */
export function place(pathname: string): Place {
  if (copied) return { base: "./", run: copied.run };
  const found = /^(.*\/)r\/([^/]+)$/.exec(pathname);
  if (found) return { base: found[1] as string, run: decoded(found[2] as string) };
  return { base: pathname.slice(0, pathname.lastIndexOf("/") + 1), run: null };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % is no run's: the server says that there is none of this id.
    return text;
  }
}

export function runPath(base: string, run: string): string {
  return `${base}r/${encodeURIComponent(run)}`;
}
