import { useEffect, useState } from "preact/hooks";
import type { SamplesAnswer } from "../../client/api";
import { countsOf } from "../data/board";
import { count, value } from "../data/format";
import { isAbandoned } from "../data/attempts";
import type { Sample } from "../../client/generated/events";
import type { Samples as Media } from "../media";
import type { RunSession } from "../session";
import { useSpent, useTopics } from "../topics";
import { SampleRow } from "./sample-row";
import { Trends } from "./trends";

const PAGE = 50;
const MOST_ROWS = 2_000;
const MOST_EPOCHS = 200;
const MOST_SCORES = 5;

/** What the model made of its samples, the newest first, and the mean scores of every epoch. */
export function Samples({ session }: { session: RunSession }) {
  useTopics(session.topics, "media");
  useSpent(session.topics);
  const { samples, images } = session.media;
  const [changes, setChanges] = useState(false);
  const [asked, setAsked] = useState<{ of: unknown; downTo: number } | null>(null);
  useEffect(() => samples.watch(), [samples]);
  if (samples.total === null) return <p class="empty card">Loading …</p>;
  const { listing } = samples;
  const rewinds = session.state?.rewinds ?? [];
  const all = listing.count ?? 0;
  const gap = listing.gapBefore(all);
  // What somebody asked for stays, whatever comes on top.
  const wanted = asked?.of === listing ? Math.min(MOST_ROWS, all - asked.downTo) : PAGE;
  const places = Array.from({ length: Math.min(wanted, all - gap - 1) }, (_, i) => all - 1 - i);
  const scores = namesOf(samples.epochs.flatMap((epoch) => Object.keys(epoch.scores)));
  const shown = places.map((place) => listing.at(place) as Sample);
  const wholes = countsOf(shown);
  const columns = (["input", "target", "prediction"] as const).filter((name) => shown.some((one) => one[name] != null));
  const older = (): void => {
    const downTo = Math.max(0, all - places.length - PAGE);
    setAsked({ of: listing, downTo });
    if (gap >= downTo) void samples.older();
  };
  return (
    <>
      {samples.epochs.length > 1 && <Trends trends={samples.trends} scores={scores} />}
      {samples.epochs.length > 1 && <Epochs samples={samples} scores={scores} />}
      <section class="card wide" aria-label="Samples">
        <p class="caption">
          {captionWords(samples, scores)}
          {samples.epoch !== null && (
            <button type="button" class="small" onClick={() => samples.choose(null)}>Show all</button>
          )}
          {columns.includes("prediction") && all > 1 && (
            <button type="button" class={`small ${changes ? "on" : ""}`} aria-pressed={changes} onClick={() => setChanges(!changes)}
              title="Show each answer beside the one before to the same input">Changes</button>
          )}
        </p>
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of samples">
          <table class="values samples">
            <thead>
              <tr>
                <th scope="col">said at</th>
                {columns.map((name) => <th scope="col" class="text" key={name}>{name}</th>)}
                {scores.map((name) => <th scope="col" key={name} title={name}>{name}</th>)}
              </tr>
            </thead>
            <tbody>
              {places.map((place) => (
                <SampleRow key={place} sample={listing.at(place) as Sample} fresh={listing.isNew(place)} place={place}
                  abandoned={isAbandoned(listing.at(place) as Sample, rewinds)} {...{ samples, changes, columns, scores, wholes }} file={images.file} />
              ))}
            </tbody>
          </table>
        </div>
        {places.length < all && (
          <button type="button" class="small further" disabled={samples.loading} onClick={older}>
            {samples.loading ? "loading …" : `show more of ${count(all)}`}
          </button>
        )}
      </section>
    </>
  );
}

/** How many there are, and how good they are where all of them are shown together. */
function captionWords(samples: Media, scores: string[]): string {
  const total = `${count(samples.total ?? 0)} ${samples.total === 1 ? "sample" : "samples"}`;
  if (samples.epoch !== null) return `${nameOf(samples.epoch)} · ${count(samples.listing.count ?? 0)} of ${total}`;
  const [only, ...others] = samples.epochs;
  if (!only || others.length > 0) return total;
  return [total, ...scores.map((name) => `mean ${name} ${meanWords(only, name)}`)].join(" · ");
}

function meanWords(epoch: SamplesAnswer["epochs"][number], name: string): string {
  const held = epoch.scores[name];
  return held ? value(held.mean, 4, false) : "";
}

function namesOf(names: string[]): string[] {
  return [...new Set(names)].slice(0, MOST_SCORES);
}

/** Every epoch with its mean scores, the newest first; one of them can be looked at alone. */
function Epochs({ samples, scores }: { samples: Media; scores: string[] }) {
  const epochs = [...samples.epochs].sort((a, b) => (b.epoch ?? -Infinity) - (a.epoch ?? -Infinity));
  return (
    <section class="card wide epochs" aria-label="Mean scores by epoch">
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of epochs">
        <table class="values">
          <thead>
            <tr>
              <th scope="col">epoch</th>
              <th scope="col">samples</th>
              {scores.map((name) => <th scope="col" key={name} title={name}>mean {name}</th>)}
            </tr>
          </thead>
          <tbody>
            {epochs.slice(0, MOST_EPOCHS).map((epoch) => <Epoch key={epoch.epoch} {...{ epoch, samples, scores }} />)}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Epoch({ epoch, samples, scores }: { epoch: SamplesAnswer["epochs"][number]; samples: Media; scores: string[] }) {
  const key = epoch.epoch ?? "none";
  const chosen = samples.epoch === key;
  return (
    <tr class={chosen ? "on" : ""}>
      <th scope="row">
        <button type="button" class="link" aria-pressed={chosen} onClick={() => samples.choose(chosen ? null : key)}>
          {nameOf(key)}
        </button>
      </th>
      <td>{count(epoch.count)}</td>
      {scores.map((name) => <td key={name} class="now">{meanWords(epoch, name)}</td>)}
    </tr>
  );
}

function nameOf(epoch: number | "none"): string {
  return epoch === "none" ? "no epoch" : `epoch ${count(epoch)}`;
}
