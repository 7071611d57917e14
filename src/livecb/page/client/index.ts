export * from "./api.js";
export type { Controls } from "./api.js"; // and not the event of that name
export * from "./errors.js";
export { Baselines } from "./baselines.js";
export { Client, type EventsOptions, type RunQuery, type SendOptions } from "./client.js";
export { RunEvents, type FollowOptions } from "./events.js";
export type { Files } from "./files.js";
export type * from "./generated/events.js";
export type { Link, LinkKind } from "./link.js";
export { LiveRun, type Snapshot } from "./live.js";
export { foldNotes } from "./notes.js";
export { toNumber, type Num } from "./number.js";
export { Tokens, type TokenOptions } from "./tokens.js";
export { Trash } from "./trash.js";
