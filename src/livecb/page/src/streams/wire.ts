import type { Link, Via } from "../../client/link";
import type { Message } from "../../client/sse";

/** What is to be followed: a run from a cursor on, or the list of runs (`run` is null). `query` says which of it. */
export interface Wish {
  run: string | null;
  cursor: string;
  query: Record<string, string | number>;
}

/** What a tab says to the worker that follows for all of them. */
export type Asked =
  | { kind: "hello"; base: string }
  | { kind: "follow"; id: number; wish: Wish }
  | { kind: "stop"; id: number }
  /** One `news` was taken in. */
  | { kind: "taken" }
  | { kind: "retry" }
  | { kind: "ping" }
  /** The tab goes. */
  | { kind: "bye" };

/** What the worker says to a tab. */
export type Said =
  | { kind: "hello" }
  | { kind: "news"; id: number; messages: Message[]; cursor: string }
  | { kind: "link"; id: number; link: Link }
  | { kind: "pong" };

/** How a worker may ask: see `Following`. */
export interface Ways {
  runs: readonly Via[];
  list: readonly Via[];
}

/** For all tabs of a browser one of each: any way will do. */
export const SHARED: Ways = { runs: ["stream", "socket", "poll"], list: ["stream", "poll"] };

/**
 * For one tab. A browser opens six connections to a server, WebSockets apart, and seven tabs that each held one would
 * leave none to load a page with: so none is held.
 */
export const ALONE: Ways = { runs: ["socket", "poll"], list: ["poll"] };
