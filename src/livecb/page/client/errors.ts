/**
 * What goes wrong between a client and a server:
 *
 * ```
 * LivecbError
 * └── ServerError          no server could be reached, or it is none of livecb
 *     └── ApiError         a server answered with an error
 *         ├── RunNotFound
 *         ├── CursorError
 *         ├── RunWritten       the run's writer lives, and what was asked would hurt it
 *         └── CommandRefused   a command that cannot be given, or not obeyed
 * ```
 *
 * The message says what was expected, and what to do.
 */
export class LivecbError extends Error {
  override name = "LivecbError";
}

/** No server could be reached, or what answered is none of livecb. */
export class ServerError extends LivecbError {
  override name = "ServerError";
}

/** A server answered with an error. */
export class ApiError extends ServerError {
  override name = "ApiError";

  /**
   * @param status The HTTP status.
   * @param title What is wrong, in a few words.
   * @param detail What is wrong, and what to do.
   * @param data All that the answer said, such as the `cursor` to go on from.
   */
  constructor(
    readonly status: number, readonly title: string, readonly detail: string,
    readonly data: Readonly<Record<string, unknown>> = {},
  ) {
    super(`${title} (${status}): ${detail}`);
  }

  /** Whether asking again cannot help. */
  get final(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
}

/** The server has no run of this id. */
export class RunNotFound extends ApiError {
  override name = "RunNotFound";
}

/** A cursor is not one that this log gave out. */
export class CursorError extends ApiError {
  override name = "CursorError";
}

/** A run's writer lives, and what was asked would hurt it. */
export class RunWritten extends ApiError {
  override name = "RunWritten";
}

/** A command cannot be given, or not be obeyed; the detail says why. */
export class CommandRefused extends ApiError {
  override name = "CommandRefused";
}

const KINDS: Record<string, typeof ApiError> = {
  "No such run": RunNotFound,
  "Not a cursor": CursorError,
  "The run is being written": RunWritten,
  "No such command": CommandRefused,
  "The run does not do that": CommandRefused,
  "The run has ended": CommandRefused,
};

/** The error that a response tells of, by problem details (RFC 9457) where it has them. */
export async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response;
  let said: Record<string, unknown> = {};
  try {
    said = (await response.json()) as Record<string, unknown>;
  } catch {
    // Not this server's own words: a proxy's, perhaps. The status must do.
  }
  // A server of before says the same in `error`.
  const { title, detail } = { ...said, ...(said.error as object | undefined) } as { title?: string; detail?: string };
  const named = title ?? (response.statusText || `HTTP ${status}`);
  const where = response.url.split("?")[0];
  const kind = KINDS[named] ?? ApiError;
  return new kind(status, named, detail ?? `${where} answered so, in words that are not livecb's; is its server there?`, said);
}
