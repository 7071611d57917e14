import { useEffect, useRef, useState } from "preact/hooks";
import { clock, count } from "../data/format";
import type { Images } from "../media";
import type { RunSession } from "../session";
import { useTopics } from "../topics";
import { lookOf } from "./images";
import { captionOf } from "./words";

const AHEAD = 3;

interface Props {
  session: RunSession;
  images: Images;
  name: string;
  place: number;
  close(): void;
}

/** One picture as large as it fits, and a way through time. */
export function Look({ session, images, name, place: first, close }: Props) {
  useTopics(session.topics, "media");
  const dialog = useRef<HTMLDialogElement>(null);
  const [place, setPlace] = useState(first);
  const strip = images.strip(name);
  const total = strip.count ?? 0;
  const picture = strip.at(place);
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => images.need(name, place - AHEAD, place + AHEAD + 1), [place, total]);
  const move = (by: number): void => setPlace((now) => Math.min(total - 1, Math.max(0, now + by)));
  const onKey = (event: KeyboardEvent): void => {
    if ((event.target as HTMLElement).tagName === "INPUT") return;
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  };
  return (
    <dialog ref={dialog} class="closer" aria-label={name} onClose={close} onKeyDown={onKey}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div class="sheet-of">
        <p class="top">
          <b>{name}</b>
          <span class="soft">{picture ? [captionOf(picture), clock(picture.time, session.now, true)].filter(Boolean).join(" · ") : ""}</span>
          <button type="button" class="small" onClick={() => dialog.current?.close()}>Close</button>
        </p>
        <div class="large">
          {picture && <img src={images.file(picture.file.hash)} alt={picture.caption ?? name} class={lookOf(picture)} />}
        </div>
        <p class="soft said">{picture?.caption}</p>
        <p class="through">
          <button type="button" class="small" disabled={place <= 0} onClick={() => move(-1)} aria-label="Earlier">←</button>
          <input type="range" min="0" max={Math.max(0, total - 1)} value={place} aria-label="Through time"
            onInput={(event) => setPlace(Number(event.currentTarget.value))} />
          <button type="button" class="small" disabled={place >= total - 1} onClick={() => move(1)} aria-label="Later">→</button>
          <span class="soft">{count(place + 1)} of {count(total)}</span>
        </p>
      </div>
    </dialog>
  );
}
