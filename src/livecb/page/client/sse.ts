/** One message of a stream. `id` is set only where the message itself carries one: the cursor after it. */
export interface Message {
  /** Empty for a line of the log; `cursor` where all that is said is how far the stream has come. */
  event: string;
  data: string;
  id: string | null;
}

/** Splits text that comes in pieces of any size into messages, as the HTML standard says. */
export class MessageParser {
  /** Milliseconds to wait before reconnecting, once the server has said so. */
  retry: number | null = null;
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id: string | null = null;

  feed(text: string): Message[] {
    const messages: Message[] = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() as string;
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.#data.length > 0) messages.push(this.#finish());
        else if (this.#id !== null) messages.push({ event: "cursor", data: "", id: this.#id });
        this.#event = "";
        this.#id = null;
      } else {
        this.#field(line);
      }
    }
    return messages;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const held = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(held);
    else if (name === "event") this.#event = held;
    else if (name === "id") this.#id = held;
    else if (name === "retry" && /^\d+$/.test(held)) this.retry = Number(held);
  }

  #finish(): Message {
    const message = { event: this.#event, data: this.#data.join("\n"), id: this.#id };
    this.#data = [];
    return message;
  }
}
