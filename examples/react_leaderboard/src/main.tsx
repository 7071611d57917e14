import { Client } from "livecb";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Leaderboard } from "./leaderboard";
import "./page.css";

const asked = new URLSearchParams(location.search);
const client = new Client(asked.get("server") ?? "http://127.0.0.1:7117/");

/** The run that is asked for, or else the one that began last. */
function useLastRun(): [run: string | null, problem: string | null] {
  const [run, setRun] = useState(asked.get("run"));
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    if (run) return;
    const look = (): void => {
      client.list({ limit: 1 }).then(
        ([row]) => (setRun(row?.run ?? null), setProblem(null)),
        (error: Error) => setProblem(error.message),
      );
    };
    look();
    const timer = setInterval(look, 1_000);
    return () => clearInterval(timer);
  }, [run]);
  return [run, problem];
}

function App() {
  const [run, problem] = useLastRun();
  if (run) return <Leaderboard client={client} run={run} />;
  return <p role="status">{problem ?? "No run yet: start a comparison."}</p>;
}

createRoot(document.getElementById("app")!).render(<StrictMode><App /></StrictMode>);
