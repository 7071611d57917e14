import { useMemo, useSyncExternalStore } from "react";
import { Client, type LiveRun, type Snapshot } from "./index.js";

/** Which server the run is on: a client, or what makes one. */
export type LiveRunOptions = { client: Client } | { address?: string; token?: string };

/** A run as it goes: what a component shows, and `send` to steer it. */
export type LiveRunView = Snapshot & Pick<LiveRun, "send">;

/**
 * Follow a run while the component is shown.
 *
 * ```tsx
 * const { state, isConnected, error, send } = useLiveRun(run, { client });
 * ```
 */
export function useLiveRun(run: string, options: LiveRunOptions = {}): LiveRunView {
  const given = "client" in options ? options.client : undefined;
  const { address, token } = "client" in options ? {} : (options as { address?: string; token?: string });
  const client = useMemo(() => given ?? new Client(address, token ? { token } : {}), [given, address, token]);
  const live = useMemo(() => client.live(run), [client, run]);
  const shown = useSyncExternalStore(live.subscribe, live.get, live.get);
  return useMemo(() => ({ ...shown, send: live.send }), [shown, live]);
}
