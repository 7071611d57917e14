/** How news comes: an event stream, a WebSocket, or answers to questions that are asked again and again. */
export type Via = "stream" | "socket" | "poll";

/** How the page stands with the server: what the badge says. */
export type Link =
  | { kind: "connecting"; since: number }
  | { kind: "live"; since: number; via?: Via }
  | { kind: "replaying"; since: number; via?: Via }
  | { kind: "polling"; since: number }
  | { kind: "resting"; since: number }
  | { kind: "reconnecting"; since: number; why: string; tries: number }
  | { kind: "refused"; since: number; status: number; title: string; detail: string };

export type LinkKind = Link["kind"];
