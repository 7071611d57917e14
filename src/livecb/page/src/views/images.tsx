import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State } from "../../client/api";
import { isAbandoned } from "../data/attempts";
import { count } from "../data/format";
import type { Images as Media, Picture } from "../media";
import type { RunSession } from "../session";
import { useSpent, useTopics } from "../topics";
import { Look } from "./look-closer";
import { captionOf } from "./words";

const MANY = 12;

/** The pictures of a run: a strip for each name, over time. */
export function Images({ session }: { session: RunSession }) {
  useTopics(session.topics, "media");
  useSpent(session.topics);
  const { images } = session.media;
  const [limit, setLimit] = useState(MANY);
  const [open, setOpen] = useState<{ name: string; place: number } | null>(null);
  useEffect(() => images.watch(), [images]);
  if (images.total === null) return <p class="empty card">Loading …</p>;
  return (
    <>
      {images.names.slice(0, limit).map(({ name }) => (
        <Strip key={name} images={images} name={name} rewinds={session.state?.rewinds ?? []} open={(place) => setOpen({ name, place })} />
      ))}
      {images.names.length > limit && (
        <button type="button" class="small further" onClick={() => setLimit(limit + MANY)}>
          show more of {count(images.names.length)} names
        </button>
      )}
      {/* One that closes says so later: another may have been opened by then. */}
      {open && <Look key={`${open.place} ${open.name}`} {...{ images, session, ...open }} close={() => setOpen((now) => (now === open ? null : now))} />}
    </>
  );
}

const FRAME = 132;
const SPARE = 2;

interface StripProps {
  images: Media;
  name: string;
  rewinds: State["rewinds"];
  open(place: number): void;
}

/** The pictures of one name side by side, the newest at the right end, where it stays unless somebody looks further back. */
function Strip({ images, name, rewinds, open }: StripProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [view, setView] = useState({ left: 0, width: 0 });
  const [current, setCurrent] = useState<number | null>(null);
  const strip = images.strip(name);
  const total = strip.count ?? 0;
  const from = Math.max(0, Math.floor(view.left / FRAME) - SPARE);
  const to = Math.min(total, Math.ceil((view.left + view.width) / FRAME) + SPARE);

  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement;
    if (following.current) element.scrollLeft = element.scrollWidth;
    setView({ left: element.scrollLeft, width: element.clientWidth });
  }, [total]);

  useEffect(() => {
    const element = scroller.current as HTMLDivElement;
    const sizes = new ResizeObserver(() => setView({ left: element.scrollLeft, width: element.clientWidth }));
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);

  useEffect(() => {
    // Whoever scrolls past a thousand pictures wants none of them.
    const timer = setTimeout(() => view.width > 0 && images.need(name, from, to), 60);
    return () => clearTimeout(timer);
  });

  const onScroll = (): void => {
    const element = scroller.current;
    if (!element) return; // the view was left while it still scrolled
    setCurrent((held) => (held !== null && held * FRAME >= element.scrollLeft - FRAME && held * FRAME <= element.scrollLeft + element.clientWidth ? held : null));
    following.current = element.scrollWidth - element.scrollLeft - element.clientWidth < FRAME / 2;
    setView({ left: element.scrollLeft, width: element.clientWidth });
  };

  const chosen = Math.min(current ?? total - 1, total - 1);
  const onKey = (event: KeyboardEvent): void => {
    const next = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: total - 1 }[event.key];
    if (event.key === "Enter") open(chosen);
    if (next === undefined) return;
    event.preventDefault();
    const place = Math.min(total - 1, Math.max(0, next));
    setCurrent(place);
    const element = scroller.current as HTMLDivElement;
    const left = place * FRAME;
    if (left < element.scrollLeft) element.scrollLeft = left;
    else if (left + FRAME > element.scrollLeft + element.clientWidth) element.scrollLeft = left + FRAME - element.clientWidth;
  };

  const slide = (place: number): void => {
    setCurrent(place);
    const element = scroller.current as HTMLDivElement;
    element.scrollLeft = place * FRAME - (element.clientWidth - FRAME) / 2;
  };
  const inView = current ?? Math.min(total - 1, Math.round((view.left + view.width) / FRAME) - 1);
  return (
    <section class="card strip" aria-label={name}>
      <h2>{name} <span class="many">{count(total)}</span></h2>
      <div class="film" ref={scroller} onScroll={onScroll} onKeyDown={onKey} tabIndex={0} role="group"
        aria-label={`${name}, ${count(total)} pictures over time: arrows move, Enter enlarges`}>
        <div class="reel" style={{ width: `${total * FRAME - 8}px` }}>
          {Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).map((place) => (
            <Frame key={place} left={place * FRAME} picture={strip.at(place)} on={place === current} fresh={strip.isNew(place)} rewinds={rewinds}
              images={images} open={() => open(place)} />
          ))}
        </div>
      </div>
      {total * FRAME > view.width + FRAME && (
        <p class="through">
          <input type="range" min="0" max={total - 1} value={inView} aria-label={`${name} through time`} aria-valuetext={captionOf(strip.at(inView) ?? {})}
            onInput={(event) => slide(Number(event.currentTarget.value))} />
          <span class="soft">{strip.at(inView) ? captionOf(strip.at(inView) as Picture) : ""}</span>
        </p>
      )}
    </section>
  );
}

interface FrameProps {
  left: number;
  picture: Picture | undefined;
  on: boolean;
  fresh: boolean;
  rewinds: State["rewinds"];
  images: Media;
  open(): void;
}

function Frame({ left, picture, on, fresh, rewinds, images, open }: FrameProps) {
  const style = { left: `${left}px` };
  if (!picture) return <span class="frame" style={style} />;
  return (
    <button type="button" class={`frame ${on ? "on" : ""} ${fresh ? "fresh" : ""} ${isAbandoned(picture, rewinds) ? "abandoned" : ""}`} style={style} tabIndex={-1} onClick={open}
      title={picture.caption ?? picture.name}>
      <img src={images.file(picture.file.hash)} alt={picture.caption ?? picture.name} class={lookOf(picture)} decoding="async" />
      <span>{captionOf(picture)}</span>
    </button>
  );
}

const TINY = 128;

/** How it is drawn: the pixels of a small one are meant to be seen, and drawings are made for paper. */
export function lookOf(picture: Picture): string {
  if (picture.type === "figure") return "paper";
  return picture.width != null && picture.width < TINY ? "tiny" : "";
}
