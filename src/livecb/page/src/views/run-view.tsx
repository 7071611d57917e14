import { useEffect, useMemo, useState } from "preact/hooks";
import type { State } from "../../client/api";
import { countsCandidates } from "../data/board";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { AttemptsCard } from "./attempts";
import { CandidatesCard, ConfigCard, OriginCard, SystemCard } from "./aside";
import { Charts } from "./charts";
import { Console } from "./console";
import { Controls } from "./controls";
import { Failure } from "./failure";
import { Happenings } from "./happenings";
import { Hero } from "./hero";
import { lazy } from "./lazy";
import { Refused } from "./refused";
import { Tabs } from "./tabs";

const Images = lazy(() => import("./images"), (module) => module.Images);
const Leaderboard = lazy(() => import("./leaderboard"), (module) => module.Leaderboard);
const Others = lazy(() => import("./media"), (module) => module.Others);
const Samples = lazy(() => import("./samples"), (module) => module.Samples);
const Strips = lazy(() => import("./strips"), (module) => module.Strips);
const Values = lazy(() => import("./values"), (module) => module.Values);

export type Tab = "Curves" | "Leaderboard" | "Images" | "Samples" | "Media" | "Log" | "Values" | "Config";

/** So few charts tell less than a leaderboard does. */
const FEW_CHARTS = 2;

/** The views that there is something to see in. */
export function tabsOf(state: State | null): Tab[] {
  const has = (...types: string[]): boolean => types.some((type) => (state?.counts[type] ?? 0) > 0);
  const tabs: [Tab, boolean][] = [
    ["Curves", true], ["Leaderboard", has("model_completed")], ["Images", has("image", "figure")],
    ["Samples", has("sample")], ["Media", has("audio", "table", "histogram")], ["Log", true], ["Values", true], ["Config", true],
  ];
  return tabs.filter(([, shown]) => shown).map(([tab]) => tab);
}

/**
 * What is shown until somebody chooses: the leaderboard of a search, or of several beside few curves; else whatever
 * there is where there are no curves.
 */
export function leadOf(state: State | null): Tab {
  const charts = new Set(Object.values(state?.metrics ?? {}).map((metric) => metric.chart)).size;
  const tabs = tabsOf(state);
  // One model of its own training is no search: its curves tell more than its row.
  const several = (state?.leaderboard.length ?? 0) > 1;
  const few = countsCandidates(state?.progress ?? null) ? Infinity : several ? FEW_CHARTS : 0;
  if (charts <= few && tabs.includes("Leaderboard")) return "Leaderboard";
  return charts === 0 ? (tabs.find((tab) => tab === "Images" || tab === "Samples" || tab === "Media") ?? "Curves") : "Curves";
}

interface Props {
  session: RunSession;
  choice: LookChoice;
  tab: Tab;
  setTab(tab: Tab): void;
}

/** One run: the first glance, then whatever one wants to look at. */
export function RunView({ session, choice, tab, setTab }: Props) {
  useTopics(session.topics, "link");
  const narrow = useNarrow();
  if (!session.state) return <Waiting session={session} />;
  return (
    <main class="run" id="main">
      <FailureOf session={session} />
      <Hero session={session} />
      {narrow && <Controls session={session} narrow />}
      <div class="work">
        <Tabs names={tabsOf(session.state)} chosen={tab} choose={setTab} />
        <div role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`} class="panel">
          {tab === "Curves" && <Charts session={session} choice={choice} />}
          {tab === "Leaderboard" && <Leaderboard session={session} />}
          {tab === "Images" && <Images session={session} />}
          {tab === "Samples" && <Samples session={session} />}
          {tab === "Media" && <Others session={session} />}
          {(tab === "Curves" || tab === "Leaderboard") && <Console session={session} />}
          {tab === "Curves" && <Strips session={session} choice={choice} />}
          {tab === "Log" && <Console session={session} tall />}
          {tab === "Values" && <ValuesOf session={session} />}
          {tab === "Config" && <ConfigOf session={session} />}
        </div>
      </div>
      <Aside session={session} tab={tab} setTab={setTab} controls={!narrow} />
    </main>
  );
}

function Waiting({ session }: { session: RunSession }) {
  const { link } = session;
  const [patient, setPatient] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setPatient(true), 400);
    return () => clearTimeout(timer);
  }, []);
  if (link.kind === "refused") return <Refused link={link} base="../" of="run" />;
  return <main class="lone" id="main">{patient && <p class="soft">Loading {session.run} …</p>}</main>;
}

function FailureOf({ session }: { session: RunSession }) {
  useTopics(session.topics, "state");
  return <Failure state={session.state as State} />;
}

function ValuesOf({ session }: { session: RunSession }) {
  useTopics(session.topics, "state");
  return <Values state={session.state as State} />;
}

function ConfigOf({ session }: { session: RunSession }) {
  useTopics(session.topics, "state");
  const state = session.state as State;
  return (
    <div class="two">
      <ConfigCard state={state} all />
      <OriginCard state={state} now={session.now} />
    </div>
  );
}

/** Whether the page stands in one column: then what steers the run comes before what tells of it. */
function useNarrow(): boolean {
  const query = useMemo(() => matchMedia("(max-width: 900px)"), []);
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const onChange = (): void => setNarrow(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, [query]);
  return narrow;
}

function Aside({ session, tab, setTab, controls }: { session: RunSession; tab: Tab; setTab(tab: Tab): void; controls: boolean }) {
  useTopics(session.topics, "state");
  const state = session.state as State;
  return (
    <aside aria-label="About this run">
      {controls && <Controls session={session} />}
      {tab !== "Leaderboard" && <CandidatesCard state={state} more={() => setTab("Leaderboard")} />}
      <SystemCard state={state} />
      <Happenings session={session} />
      <AttemptsCard state={state} now={session.now} />
      {tab !== "Config" && <ConfigCard state={state} />}
    </aside>
  );
}
