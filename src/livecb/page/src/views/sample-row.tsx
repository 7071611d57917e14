import { useEffect, useState } from "preact/hooks";
import type { FileRef, Sample } from "../../client/generated/events";
import { toNumber } from "../../client/number";
import { diff } from "../data/diff";
import { value } from "../data/format";
import { words } from "../data/sample";
import type { Samples } from "../media";
import { captionOf } from "./words";

/** Of a text that is cut no more is put into the page. */
const MOST_CUT = 2_000;
/** Texts that are longer are cut until somebody asks for all of it. */
const LONG = 240;

interface RowProps {
  samples: Samples;
  sample: Sample;
  place: number;
  /** Whether answers are shown beside the ones before to the same input. */
  changes: boolean;
  abandoned: boolean;
  columns: readonly ("input" | "target" | "prediction")[];
  scores: readonly string[];
  wholes: ReadonlySet<string>;
  fresh: boolean;
  file(hash: string): string;
}

/** What a model made of one input, and if wished what changed since it was asked the same before. */
export function SampleRow({ samples, sample, place, changes, abandoned, columns, scores, wholes, fresh, file }: RowProps) {
  const [whole, setWhole] = useState(false);
  const earlier = useBefore(samples, sample, place, changes);
  const texts = columns.map((name) => words(sample[name]));
  const long = texts.some((text) => text.length > LONG || text.split("\n").length > 5);
  return (
    <tr class={[fresh ? "new" : "", abandoned ? "abandoned" : ""].join(" ").trim()} title={abandoned ? "of a branch that was given up" : undefined}>
      <th scope="row">
        {placeWords(sample).map((word) => <span key={word}>{word}</span>)}
        {long && (
          <button type="button" class="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>{whole ? "less" : "all of it"}</button>
        )}
      </th>
      {texts.map((text, i) => (
        <td key={columns[i]} class="text" data-label={columns[i]}>
          {columns[i] === "prediction" && changes
            ? <Changed before={earlier} now={text} />
            : <div class={whole ? "" : "cut"}>{whole ? text : text.slice(0, MOST_CUT)}</div>}
          {columns[i] === "prediction" && <Files files={sample.files ?? []} file={file} />}
        </td>
      ))}
      {scores.map((name) => (
        <td key={name} data-label={name}>{name in (sample.scores ?? {}) ? value(toNumber(sample.scores?.[name]), 4, wholes.has(name)) : ""}</td>
      ))}
    </tr>
  );
}

type Before = Sample | "none" | "failed" | null;

/** The sample of the same input before one, once it is known; null until then. */
function useBefore(samples: Samples, sample: Sample, place: number, wanted: boolean): Before {
  const [before, setBefore] = useState<Before>(null);
  useEffect(() => {
    if (!wanted) return undefined;
    let left = false;
    setBefore(null);
    samples.before(place).then((found) => left || setBefore(found ?? "none"), () => left || setBefore("failed"));
    return () => void (left = true);
  }, [samples, `${sample.rank ?? 0}:${sample.seq}:${sample.time}`, wanted]);
  return before;
}

function Changed({ before, now }: { before: Before; now: string }) {
  if (before === null) return <div>{now} <small class="soft">looking for the answer before …</small></div>;
  if (before === "none" || before === "failed") {
    return <div>{now} <small class="soft">{before === "none" ? "first of its input" : "the answer before did not load"}</small></div>;
  }
  const pieces = diff(words(before.prediction), now);
  const same = pieces.every(({ kind }) => kind === "same");
  return (
    <div class="changed">
      {pieces.map(({ kind, text }, i) => kind === "same" ? <span key={i}>{text}</span> : kind === "new" ? <ins key={i}>{text}</ins> : <del key={i}>{text}</del>)}
      <small class="soft">{same ? "as" : "since"} {placeWords(before).slice(0, 2).join(", ") || "before"}</small>
    </div>
  );
}

function Files({ files, file }: { files: FileRef[]; file(hash: string): string }) {
  return (
    <>
      {files.filter(({ mime }) => mime?.startsWith("image/")).map(({ hash, name }) => (
        <img key={hash} src={file(hash)} alt={name} loading="lazy" />
      ))}
    </>
  );
}

function placeWords(sample: Sample): string[] {
  const epoch = sample.epoch == null ? "" : `epoch ${value(sample.epoch, 3)}`;
  return [...new Set([captionOf(sample), epoch, sample.name ?? ""])].filter(Boolean);
}
