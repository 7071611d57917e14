import { LivecbError, ServerError, errorOf } from "./errors.js";

/** What stands behind the question mark; what is null or undefined is left out, and a list is said once for each. */
export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** How to ask. */
export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON; text as it is, as lines of JSON; a `Blob` as it is, as bytes. */
  body?: unknown;
  signal?: AbortSignal;
}

/** An address with a query. */
export function withQuery(address: string, query: Query): string {
  const pairs = new URLSearchParams();
  for (const [key, held] of Object.entries(query)) {
    if (held === null || held === undefined) continue;
    for (const each of Array.isArray(held) ? held : [held]) pairs.append(key, String(each));
  }
  const text = pairs.toString();
  return text ? `${address}?${text}` : address;
}

/** Fetch JSON. Raises what `ask` does. */
export async function getJson<T>(address: string, asking: Asking = {}): Promise<T> {
  const response = await ask(address, { ...asking, headers: { Accept: "application/json", ...asking.headers } });
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ServerError(`expected JSON from ${place(address)}, got something else; is a livecb server there?`);
  }
}

/**
 * Fetch. Raises `ApiError` when the server answers with an error, `ServerError` when it does not answer, and an
 * `AbortError` when the signal said so.
 */
export async function ask(address: string, { method = "GET", headers = {}, body, signal }: Asking = {}): Promise<Response> {
  const bytes = body instanceof Blob;
  const type = bytes ? "application/octet-stream" : typeof body === "string" ? "application/x-ndjson" : "application/json";
  const init: RequestInit = { method, headers: body === undefined ? headers : { "Content-Type": type, ...headers } };
  if (signal) init.signal = signal;
  if (body !== undefined) init.body = bytes || typeof body === "string" ? body : JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(address, { cache: "no-store", ...init });
  } catch (error) {
    if (isAbort(error) || error instanceof LivecbError) throw error;
    throw new ServerError(`no answer from ${place(address)}: ${cause(error)}; start a server with \`livecb view\`, or see the address`);
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** Whether something was given up on purpose. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** An address as it can be shown: a query may hold the token. */
function place(address: string): string {
  return address.split("?")[0] as string;
}

function cause(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string }; message?: string };
  return cause?.message || message || String(error);
}
