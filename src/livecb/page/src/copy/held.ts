import type {
  Candidate, ImagesAnswer, LeaderboardPage, MarksAnswer, MediaPage, SamplesAnswer, SeriesAnswer, State,
} from "../../client/api";
import type { Log, System } from "../../client/generated/events";

/** What a copy holds of a run: what the server would have answered. */
export interface Held {
  state: State;
  series: SeriesAnswer;
  marks: MarksAnswer;
  leaderboard: LeaderboardPage & { leaderboard: Candidate[] };
  lines: Log[];
  samples: SamplesAnswer;
  images: ImagesAnswer;
  audio: MediaPage;
  table: MediaPage;
  histogram: MediaPage;
  system: System[];
}

let held: Promise<Held> | null = null;

/** What this copy holds, unpacked when it is first asked for. */
export function heldHere(): Promise<Held> {
  held ??= unpack(textOf("held"));
  return held;
}

const addresses = new Map<string, string>();

/** The address of a file of the run; what was left out of the copy has none that leads anywhere. */
export function fileHere(hash: string): string {
  const known = addresses.get(hash);
  if (known !== undefined) return known;
  const block = document.getElementById(`file-${hash}`);
  if (!block) return "about:blank#left-out-of-this-copy";
  const address = URL.createObjectURL(new Blob([bytesOf(block.textContent ?? "")], { type: block.dataset.type ?? "" }));
  addresses.set(hash, address);
  return address;
}

async function unpack(text: string): Promise<Held> {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(stream).json()) as Held;
}

function textOf(id: string): string {
  return document.getElementById(id)?.textContent ?? "";
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
