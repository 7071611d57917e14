import { ask } from "./http.js";
import { MessageParser, type Message } from "./sse.js";

/** The stream is there, but nothing of it comes through. */
export class HeldBack extends Error {}

/** What an event stream says, until it ends. Raises `HeldBack` for what is no stream, and what `ask` does. */
export async function* streamed(
  address: string, headers: Record<string, string>, signal: AbortSignal, parser = new MessageParser(),
): AsyncGenerator<Message[]> {
  const response = await ask(address, { headers: { Accept: "text/event-stream", ...headers }, signal });
  if (!response.body || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    throw new HeldBack();
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield parser.feed(decoder.decode(value, { stream: true }));
  }
}

/** Aborts a request when what is expected does not come in time, and remembers why. */
export class Watchdog {
  readonly abort = new AbortController();
  cause: Error | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  expect(ms: number, otherwise: Error): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fail(otherwise), ms);
  }

  fail(cause: Error): void {
    this.cause = cause;
    this.abort.abort();
  }

  rest(): void {
    clearTimeout(this.#timer);
  }

  /** Expect nothing more: hang up. */
  end(): void {
    this.rest();
    this.abort.abort();
  }
}
