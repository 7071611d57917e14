import { ServerError } from "./errors.js";

/** Where a server is: its root, ended by a slash, and what opens it, where its address says. */
export interface Address {
  base: string;
  token: string | null;
}

// By a name of its own: bundlers take `new URL(..., import.meta.url)` for a file to be packed.
const here = import.meta.url;

/**
 * Take apart an address as livecb prints it, of the list of runs or of one run; relative ones are the page's. Left out,
 * it is the server that this module came from. Raises `ServerError` for what is none.
 */
export function place(address?: string | URL): Address {
  const page = typeof document === "undefined" ? undefined : document.baseURI;
  const text = address === undefined ? new URL(".", here).href : String(address);
  let url: URL;
  try {
    url = new URL(/^[\w.-]+:\d+/.test(text) ? `http://${text}` : text, page);
  } catch {
    throw refused(text);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refused(text);
  const folder = url.pathname.replace(/\/r\/[^/]*\/?$/, "").replace(/\/$/, "");
  return { base: `${url.origin}${folder}/`, token: url.searchParams.get("token") };
}

function refused(text: string): ServerError {
  return new ServerError(
    `expected an address such as new Client("http://127.0.0.1:7117/?token=..."), got ${JSON.stringify(text)}; \`livecb view\` prints the right one`,
  );
}
