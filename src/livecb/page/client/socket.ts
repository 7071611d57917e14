import type { Message } from "./sse.js";

const TRANSPORT = /^\{"type":"(connected|state|heartbeat|writer|reset|bye|cursor|run)"/;

/** The messages in one text of a WebSocket: they read as those of an event stream do. */
export function messagesOf(text: string): Message[] {
  const messages: Message[] = [];
  let run = "";
  for (const line of text.split("\n")) {
    const event = TRANSPORT.exec(line)?.[1];
    if (event === undefined) {
      if (line) messages.push({ event: run, data: line, id: null });
      continue;
    }
    const said = JSON.parse(line) as { cursor?: string; state?: unknown; run?: string };
    // Of several runs in one stream, each stretch begins with the run it is of.
    if (event === "run") run = said.run as string;
    else if (event === "cursor") messages.push({ event, data: "", id: said.cursor as string });
    else messages.push({ event, data: event === "state" ? JSON.stringify(said.state) : line, id: null });
  }
  return messages;
}

/** What a WebSocket says, until it is closed. Headers cannot go along: a token stands in the address. */
export async function* socketed(address: string, signal: AbortSignal): AsyncGenerator<Message[]> {
  const socket = new WebSocket(address.replace(/^http/, "ws"));
  const came: Message[][] = [];
  let closed = signal.aborted;
  let wake = (): void => undefined;
  const close = (): void => {
    closed = true;
    wake();
  };
  socket.onmessage = ({ data }) => {
    came.push(messagesOf(String(data)));
    wake();
  };
  socket.onclose = socket.onerror = close;
  signal.addEventListener("abort", close);
  try {
    for (;;) {
      const messages = came.shift();
      if (messages) yield messages;
      else if (closed) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener("abort", close);
    socket.close();
  }
}
