/** A server that reads a long log through for the first time takes long; a connection that is dead never ends. */
const PATIENCE_MS = 60_000;

/** How to ask so that no answer counts as a failure: each try may take longer than the one before. */
export function inTime(tries: number): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(tries * PATIENCE_MS) };
}
