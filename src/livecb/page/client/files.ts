import { LivecbError } from "./errors.js";
import type { FileRef, LivecbEvent } from "./generated/events.js";

/** Files by their SHA-256, or what gives one by its hash: null where there is none. */
export type Files = Readonly<Record<string, Blob>> | ((hash: string) => Blob | null | Promise<Blob | null>);

/** The SHA-256 of bytes, in hexadecimal digits. Raises `LivecbError` where the browser does not reckon it. */
export async function sha256(file: Blob): Promise<string> {
  const subtle = globalThis.crypto?.subtle ?? ("process" in globalThis ? await ofNode() : undefined);
  if (!subtle) {
    throw new LivecbError("a browser reckons SHA-256 only on pages that come over https or from localhost: open this one so");
  }
  const digest = await subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What Node.js 18 has under a name of its own, which bundlers need not look for. */
async function ofNode(): Promise<SubtleCrypto> {
  const name = "node:crypto";
  const { webcrypto } = (await import(/* @vite-ignore */ name)) as { webcrypto: Crypto };
  return webcrypto.subtle;
}

/** The files that events name, by their hash. Raises `LivecbError` where one is not at hand. */
export async function filesOf(events: readonly LivecbEvent[], files: Files): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>();
  for (const event of events) {
    for (const { hash, name } of refs(event)) {
      const file = typeof files === "function" ? await files(hash) : files[hash];
      if (!file) throw new LivecbError(`expected the file ${JSON.stringify(name)} (${hash}) that an event names in \`files\`, got none; nothing was appended`);
      found.set(hash, file);
    }
  }
  return found;
}

function refs(event: LivecbEvent): FileRef[] {
  const { file, files } = event as { file?: FileRef | null; files?: FileRef[] };
  return [...(file ? [file] : []), ...(files ?? [])];
}
