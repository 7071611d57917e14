import { toNumber, type Candidate, type Client } from "livecb";
import { useLiveRun } from "livecb/react";

export function Leaderboard({ client, run }: { client: Client; run: string }) {
  const { state, totalCount, isConnected, error } = useLiveRun(run, { client });
  if (!state) return <p role="status">{error?.message ?? "One moment."}</p>;
  const score = Object.keys(state.leaderboard.find(({ ok }) => ok)?.scores ?? {})[0] ?? "score";
  return (
    <main>
      <h1>{state.name}</h1>
      <p role="status" data-connected={isConnected}>
        {state.status}, {state.progress?.done ?? 0} of {state.progress?.total ?? "?"} done, {totalCount} events
        {error && <strong> {error.message}</strong>}
      </p>
      <progress max={1} value={state.progress?.fraction ?? 0} aria-label="Progress" />
      <table>
        <thead>
          <tr><th>#</th><th>Model</th><th>{score}</th><th>Seconds</th></tr>
        </thead>
        <tbody>
          {state.leaderboard.map((row) => <Row key={row.name} row={row} score={score} />)}
        </tbody>
      </table>
    </main>
  );
}

function Row({ row, score }: { row: Candidate; score: string }) {
  const value = row.scores?.[score];
  return (
    <tr className={row.ok ? "" : "failed"} title={row.reason ?? undefined}>
      <td>{row.place ?? "–"}</td>
      <td>{row.name}</td>
      <td>{row.ok ? (value === undefined ? "" : toNumber(value).toFixed(4)) : row.reason}</td>
      <td>{row.fit_seconds?.toFixed(2)}</td>
    </tr>
  );
}
