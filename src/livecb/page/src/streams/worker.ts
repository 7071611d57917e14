// The shared worker: it follows for all tabs of a browser that show this server, and lives as long as one of them.
import { Shared } from "./shared";
import { SHARED, type Asked, type Said } from "./wire";

const known = new Map<string, Shared>();

addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0] as MessagePort;
  let hear: ((asked: Asked) => void) | null = null;
  const post = (said: Said): void => port.postMessage(said);
  port.onmessage = ({ data }: MessageEvent<Asked>) => {
    if (data.kind !== "hello") {
      hear?.(data);
      return;
    }
    const shared = known.get(data.base) ?? new Shared(data.base, SHARED);
    known.set(data.base, shared);
    hear = shared.connect(post);
    post({ kind: "hello" });
  };
  // Where a browser tells of tabs that went without a word.
  port.addEventListener("close", () => hear?.({ kind: "bye" }));
});
