import { useState } from "preact/hooks";
import type { RunRow } from "../../client/api";
import { ago, clock, count, duration, percent, value } from "../data/format";
import { toNumber } from "../../client/number";
import { runPath } from "../routes";
import type { RunsSession } from "../runs";
import { useClock, useTopics } from "../topics";
import { fractionOf } from "./hero";
import { frameworkWords, idBeside, moodOf, statusWord } from "./words";

const MANY = 10;
const PAGE = 100;

function isWanted(row: RunRow, wanted: string): boolean {
  const held = [row.run, row.name, row.project, row.status, row.framework, ...row.tags].join(" ").toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => held.includes(word));
}

interface Props {
  session: RunsSession;
  base: string;
  open(run: string): void;
}

/** All runs of the store, newest first, live. */
export function RunsView({ session, base, open }: Props) {
  useTopics(session.topics, "runs", "link");
  useClock(1000, session.rows.length > 0);
  const [wanted, setWanted] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const { link } = session;
  const found = session.rows.filter((row) => isWanted(row, wanted));
  if (link.kind === "refused") {
    return (
      <main class="lone" id="main">
        <h1>{link.title}</h1>
        <p>{link.detail}</p>
        {link.status === 401 && <p>Open the address that the training printed: its token lets this browser in.</p>}
      </main>
    );
  }
  if (!session.loaded) return <main class="lone" id="main" />;
  if (session.rows.length === 0) return <NoRuns />;
  return (
    <main class="list" id="main">
      <h1 class="sr">Runs</h1>
      {session.rows.length >= MANY && (
        <input
          class="find"
          type="search"
          placeholder="find a run …"
          aria-label="Find a run"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      <ul class="runs">
        {found.slice(0, limit).map((row) => (
          <Row key={row.run} row={row} now={session.now} href={runPath(base, row.run)} open={open} />
        ))}
      </ul>
      {found.length === 0 && <p class="empty">No run is called “{wanted}”.</p>}
      {found.length > limit && (
        <button type="button" class="small further" onClick={() => setLimit(limit + PAGE)}>
          show {count(Math.min(PAGE, found.length - limit))} more of {count(found.length)}
        </button>
      )}
    </main>
  );
}

interface RowProps {
  row: RunRow;
  now: number;
  href: string;
  open(run: string): void;
}

function Row({ row, now, href, open }: RowProps) {
  const fraction = fractionOf(row);
  const mood = moodOf(row.status);
  const onClick = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    open(row.run);
  };
  return (
    <li>
      <a class="run-row" href={href} onClick={onClick} data-run={row.run}>
        <span class="who">
          <span class="name" title={row.name}>{row.name}</span>
          <span class="meta">{[row.project, ...frameworkWords(row), idBeside(row)].filter(Boolean).join(" · ")}</span>
        </span>
        <span class={`chip ${mood}`}>{statusWord(row.status)}</span>
        <span class="how">
          <span class={`track small ${mood}`} aria-hidden="true">
            <i style={{ width: `${(fraction ?? 0) * 100}%` }} />
          </span>
          <span class="meta">{progressWords(row, fraction, now)}</span>
        </span>
        <span class="keys">
          {Object.entries(row.metrics).slice(0, 3).map(([name, metric]) => (
            <span key={name}>
              <span class="k">{name}</span> <b>{value(toNumber(metric.value))}</b>
            </span>
          ))}
        </span>
        <span class="age" title={row.started ? clock(row.started, now, true) : ""}>
          {row.started === null ? "" : ago(now - row.started)}
        </span>
      </a>
    </li>
  );
}

function progressWords(row: RunRow, fraction: number | null, now: number): string {
  const { progress } = row;
  if (row.ended !== null) {
    const far = fraction === null || row.status === "completed" ? "" : percent(fraction);
    const whose = row.attempt > 1 ? `attempt ${row.attempt}` : "";
    return [far, whose, row.elapsed === null ? "" : `after ${duration(row.elapsed)}`].filter(Boolean).join(" · ");
  }
  if (fraction === null) return progress ? `${progress.unit} ${count(progress.done)}` : "";
  const left = progress?.finish ? `${duration(Math.max(0, progress.finish - now))} left` : "";
  return [percent(fraction), left].filter(Boolean).join(" · ");
}

function NoRuns() {
  return (
    <main class="lone" id="main">
      <h1>No runs yet</h1>
      <p>They show here by themselves. Add one line to a training:</p>
      <pre class="mono code">
        <span class="c"># Lightning</span>
        {"\nfrom livecb.callbacks.lightning import LiveStream\ntrainer = L.Trainer(callbacks=["}
        <b>LiveStream()</b>
        {"])\n\n"}
        <span class="c"># Hugging Face</span>
        {"\nfrom livecb.callbacks.transformers import LiveStream\ntrainer = Trainer(..., callbacks=["}
        <b>LiveStream()</b>
        {"])\n\n"}
        <span class="c"># any loop</span>
        {"\nimport livecb\nwith "}
        <b>livecb.init(project="mnist")</b>
        {' as run:\n    run.log({"train/loss": loss})'}
      </pre>
      <p class="soft">
        Or see one at once: <code class="mono">livecb demo</code>
      </p>
    </main>
  );
}
