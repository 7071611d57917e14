import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Link } from "../../client/link";
import { copied } from "../copied";
import { calledOf } from "../data/called";
import { clock, count } from "../data/format";
import type { XAxis } from "../data/series";
import { place, runPath } from "../routes";
import { RunsSession } from "../runs";
import { RunSession, hasEnded } from "../session";
import { LookChoice } from "../look";
import { useTopics } from "../topics";
import { expose } from "../debug";
import { Badge, LinkNotice } from "./badge";
import { CopyNotice } from "./copy-notice";
import { toFind, useKeys } from "./keys";
import { lazy } from "./lazy";
import { RunMenu } from "./run-menu";
import { RunView, leadOf, tabsOf, type Tab } from "./run-view";
import { RunsView } from "./runs-view";
import { showInTab, showRunInTab } from "./title";
import { statusWord } from "./words";

const Toasts = lazy(() => import("./toasts"), (module) => module.Toasts);
const Help = lazy(() => import("./help"), (module) => module.Help);

/** The whole page: where it is decides what it shows. */
export function App() {
  const [path, setPath] = useState(location.pathname);
  const [help, setHelp] = useState(false);
  const { base, run } = place(path);
  const go = useCallback((to: string) => {
    history.pushState(null, "", to);
    setPath(to);
    scrollTo(0, 0);
  }, []);
  useEffect(() => {
    const onBack = (): void => setPath(location.pathname);
    addEventListener("popstate", onBack);
    return () => removeEventListener("popstate", onBack);
  }, []);
  useKeys({ "?": () => setHelp(true), u: () => run && !copied && go(base), "/": toFind });
  return (
    <>
      <a class="skip" href="#main">To the content</a>
      {run === null ? (
        <RunsPage key="runs" base={base} open={(id) => go(runPath(base, id))} help={() => setHelp(true)} />
      ) : (
        <RunPage key={run} base={base} run={run} home={() => go(base)} help={() => setHelp(true)} />
      )}
      {help && <Help close={() => setHelp(false)} />}
    </>
  );
}

function RunsPage({ base, open, help }: { base: string; open(run: string): void; help(): void }) {
  const session = useMemo(() => new RunsSession(base), [base]);
  useTopics(session.topics, "link", "runs");
  useEffect(() => {
    session.start();
    expose({ runs: session });
    return () => session.stop();
  }, [session]);
  const running = session.rows.filter((row) => row.ended === null && row.status !== "crashed").length;
  useEffect(() => showInTab(running ? `${running} running — livecb` : "livecb", running ? "live" : "calm"), [running]);
  const shown = session.loaded ? "What you see may be out of date." : null;
  return (
    <>
      <Header base={base} home={() => undefined} help={help} link={session.link} ended={false} />
      <LinkNotice link={session.link} shown={shown} over={running === 0} onRetry={() => session.retryNow()} />
      <RunsView session={session} base={base} open={open} />
    </>
  );
}

function RunPage({ base, run, home, help }: { base: string; run: string; home(): void; help(): void }) {
  const session = useMemo(() => new RunSession(base, run), [base, run]);
  const choice = useMemo(() => new LookChoice(), [run]);
  const [chosen, setChosen] = useState<string | null>(() => new URLSearchParams(location.search).get("view"));
  const lead = useRef<Tab>("Curves");
  useTopics(session.topics, "link", "state", "telling");
  useEffect(() => {
    session.start();
    expose({ run: session });
    return () => session.stop();
  }, [session]);
  const { state, link } = session;
  if (state) choice.open(state.project);
  useEffect(() => () => choice.close(), [choice]);
  // What leads goes on leading: a view that changes by itself confuses.
  if (lead.current === "Curves") lead.current = leadOf(state);
  const tab = tabsOf(state).find((each) => each.toLowerCase() === chosen) ?? lead.current;
  const setTab = (next: Tab): void => {
    setChosen(next.toLowerCase());
    const query = new URLSearchParams(location.search);
    query.set("view", next.toLowerCase());
    history.replaceState(history.state, "", `${location.pathname}?${query}${location.hash}`);
  };
  useEffect(() => {
    if (state) showRunInTab(state);
    else showInTab(`${run} — livecb`, "wait");
  });
  useKeys({
    ...Object.fromEntries(tabsOf(state).map((name, at) => [at + 1, () => setTab(name)])),
    ...Object.fromEntries(Object.entries(AXIS_KEYS).map(([key, axis]) => [key, () => choice.set({ axis })])),
    l: () => choice.set({ log: !choice.settings.log }),
    L: () => choice.set({ logX: !choice.settings.logX }),
    m: () => choice.set({ marks: !choice.settings.marks }),
    "[": () => choice.smoother(-0.1), "]": () => choice.smoother(0.1),
    Escape: () => choice.zoom(null, null),
  });
  return (
    <>
      <Header base={base} home={home} help={help} link={link} ended={state !== null && hasEnded(state)}
        project={state?.project ?? null} name={state ? calledOf(state) : run}><RunMenu session={session} /></Header>
      <LinkNotice link={link} shown={shownWords(session)} over={state === null || hasEnded(state) || !state.alive}
        onRetry={() => session.retryNow()} />
      <RunView session={session} choice={choice} tab={tab} setTab={setTab} />
      {copied && <CopyNotice copied={copied} />}
      {session.telling && <Toasts telling={session.telling} />}
      <StatusForReaders session={session} />
    </>
  );
}

const AXIS_KEYS: Record<string, XAxis> = { s: "step", b: "batch", e: "epoch", a: "samples", o: "tokens", t: "time", c: "clock" };

function shownWords(session: RunSession): string | null {
  const { state } = session;
  if (!state) return null;
  const step = state.step === null ? "" : `, step ${count(state.step)}`;
  return `You see the run as it was at ${clock(state.now, session.now, true)}${step}.`;
}

/** Says to screen readers when the run's status changes, and nothing else. */
function StatusForReaders({ session }: { session: RunSession }) {
  return <div class="sr" role="status" aria-live="polite">{session.state ? `Run ${session.state.name}: ${statusWord(session.state.status)}` : ""}</div>;
}

interface HeaderProps {
  base: string;
  link: Link;
  ended: boolean;
  project?: string | null;
  name?: string;
  children?: ComponentChildren;
  home(): void;
  help(): void;
}

function Header({ base, link, ended, project, name, children, home, help }: HeaderProps) {
  const onHome = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    home();
  };
  return (
    <header>
      {copied ? <span class="brand">livecb</span> : <a class="brand" href={base} onClick={onHome} title="All runs">livecb</a>}
      <span class="crumb">
        {project && <><bdi>{project}</bdi> / </>}
        <b>{name === undefined ? "runs" : <bdi>{name}</bdi>}</b>
      </span>
      <span class="right">
        <Badge link={link} ended={ended} />
        {children}
        <button type="button" class="quiet" onClick={help} aria-label="? Keys and signs" title="Keys and signs">?</button>
      </span>
    </header>
  );
}
