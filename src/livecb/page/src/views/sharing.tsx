import { useEffect, useState } from "preact/hooks";
import type { ShareMade, TokenRow } from "../../client/api";
import { ApiError } from "../../client/errors";
import { getJson } from "../../client/http";
import { clock } from "../data/format";
import type { RunSession } from "../session";
import type { Telling } from "../telling";
import { useTopics } from "../topics";
import { copyText } from "./take-along";

const DAY_S = 86_400;
const LASTS: [string, number | null][] = [["a day", DAY_S], ["a week", 7 * DAY_S], ["a month", 30 * DAY_S], ["as long as the run is there", null]];

/** A link to give away, files to take along, and how one is told. */
export function Sharing({ session }: { session: RunSession }) {
  useTopics(session.topics, "wheel");
  return (
    <div class="sharing" role="dialog" aria-label="Share, save, be told">
      <Links session={session} />
      <Files session={session} />
      {session.telling && <Ways telling={session.telling} />}
    </div>
  );
}

function Links({ session }: { session: RunSession }) {
  const [links, setLinks] = useState<TokenRow[]>([]);
  const [made, setMade] = useState<string | null>(null);
  const [lasts, setLasts] = useState("1");
  const [told, setTold] = useState("");
  const address = `${session.address}/share`;
  const role = session.wheel.access?.role;
  const may = role === "admin";
  const list = (): Promise<void> => getJson<{ links: TokenRow[] }>(address).then((said) => setLinks(said.links.filter(({ expired }) => !expired)));
  useEffect(() => void (may && list().catch((error: unknown) => setTold(wordsOf(error)))), [may]);
  const attempt = (deed: () => Promise<unknown>): void => {
    setTold("");
    deed().then(list).catch((error: unknown) => setTold(wordsOf(error)));
  };
  const make = (): void => attempt(async () => {
    const seconds = (LASTS[Number(lasts)] as [string, number | null])[1];
    const { path } = await getJson<ShareMade>(address, { method: "POST", body: { seconds } });
    setMade(new URL(session.base + path, location.href).href);
  });
  const revoke = (name: string): void => attempt(async () => {
    await getJson(`${address}/${encodeURIComponent(name)}`, { method: "DELETE" });
    setMade(null);
    setTold("Taken back: the link shows nothing any more.");
  });
  const copy = (text: string): void => {
    copyText(text).then(() => setTold("Copied."), (error: unknown) => setTold(wordsOf(error)));
  };
  return (
    <section aria-labelledby="share-title">
      <h2 id="share-title">A link that shows this run</h2>
      {!may && (
        <p class="none">
          {role === undefined ? "The server has not said yet what you may do here." : "Who makes links needs the role “admin”, which you have not been given: ask whoever gave you the address."}
        </p>
      )}
      {may && (
        <form class="line" onSubmit={(event) => (event.preventDefault(), make())}>
          <label>for{" "}
            <select value={lasts} onChange={(event) => setLasts(event.currentTarget.value)}>
              {LASTS.map(([words], at) => <option key={words} value={String(at)}>{words}</option>)}
            </select>
          </label>
          <button type="submit" class="small">Make a link</button>
        </form>
      )}
      {made && (
        <div class="line">
          <input class="made mono" readOnly aria-label="The link" value={made} onFocus={(event) => event.currentTarget.select()} />
          <button type="button" class="small" onClick={() => copy(made)}>Copy</button>
        </div>
      )}
      {made && <p class="none">Whoever has it sees this run, and nothing else, to read only. It is shown this once.{isLocal() && " It begins with the address of this machine: others reach it only where that leads them here."}</p>}
      {links.length > 0 && (
        <ul aria-label="Links that show this run">
          {links.map(({ name, expires, last_used }) => (
            <li key={name} class="line">
              <span>{name} · {expires === null ? "for ever" : `until ${day(expires)}`} · {last_used === null ? "not used yet" : `last used ${clock(last_used, session.now)}`}</span>
              <button type="button" class="small" aria-label={`Take back ${name}`} onClick={() => revoke(name)}>Take back</button>
            </li>
          ))}
        </ul>
      )}
      <p role="status" class="fate">{told}</p>
    </section>
  );
}

const FORMATS: [string, string, string][] = [
  ["html", "This page", "one file, opens anywhere, offline"], ["jsonl", "JSON lines", "every event"], ["csv", "CSV", "every value"],
  ["parquet", "Parquet", "every value"],
];

function Files({ session }: { session: RunSession }) {
  return (
    <section aria-labelledby="files-title">
      <h2 id="files-title">Take it along</h2>
      <ul>
        {FORMATS.map(([format, words, what]) => (
          <li key={format}><a href={`${session.address}/export?format=${format}`} download>{words}</a> <span>{what}</span></li>
        ))}
      </ul>
    </section>
  );
}

function Ways({ telling }: { telling: Telling }) {
  useTopics(telling.topics, "ways");
  const { ways, complaint } = telling;
  return (
    <section aria-labelledby="ways-title">
      <h2 id="ways-title">When it ends, fails or warns</h2>
      <label><input type="checkbox" checked={ways.notify} onChange={(event) => {
        const box = event.currentTarget;
        void telling.choose("notify", box.checked).then(() => (box.checked = telling.ways.notify));
      }} /> notify me, when I look elsewhere</label>
      <label><input type="checkbox" checked={ways.sound} onChange={(event) => void telling.choose("sound", event.currentTarget.checked)} /> play a sound</label>
      {complaint && <p class="fate bad" role="alert">{complaint}</p>}
      {(ways.notify || ways.sound) && <p class="none">As long as a tab with this run is open, also in the background. Kept for all runs of this server.</p>}
    </section>
  );
}

function day(unix: number): string {
  return new Date(unix * 1000).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

function isLocal(): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
}

function wordsOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.title}: ${error.detail}`;
  return error instanceof Error ? error.message : String(error);
}
