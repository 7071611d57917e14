import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Histogram } from "../../client/generated/events";
import { count, value } from "../data/format";
import { heatOf, type Heat } from "../data/heat";
import type { Named } from "../others";
import { palette } from "./palette";
import { captionOf } from "./words";

const BINS = 48;
const HEIGHT = 144;

/** How a distribution went: time from left to right, values from bottom to top, the fuller the darker; one of them as bars. */
export function Histograms({ named }: { named: Named }) {
  // The newest stand first, time goes from left to right.
  const all = useMemo(() => [...(named.events as Histogram[])].reverse(), [named.events]);
  const [chosen, setChosen] = useState<number | null>(null);
  const heat = useMemo(() => heatOf(all, BINS), [all]);
  const at = Math.min(chosen ?? all.length - 1, all.length - 1);
  const one = all[at];
  if (!heat || !one) return <p class="none">No finite edges were recorded.</p>;
  return (
    <>
      {all.length > 1 && <HeatMap heat={heat} at={at} choose={setChosen} name={named.name} from={captionOf(all[0] as Histogram)} to={captionOf(all.at(-1) as Histogram)} />}
      {all.length > 1 && (
        <p class="through">
          <input type="range" min="0" max={all.length - 1} value={at} aria-label={`${named.name} through time`} aria-valuetext={captionOf(one)}
            onInput={(event) => setChosen(Number(event.currentTarget.value))} />
          <button type="button" class="small" disabled={chosen === null} onClick={() => setChosen(null)}>Newest</button>
        </p>
      )}
      <Bars histogram={one} />
    </>
  );
}

interface HeatProps {
  heat: Heat;
  at: number;
  choose(at: number): void;
  name: string;
  from: string;
  to: string;
}

function HeatMap({ heat, at, choose, name, from, to }: HeatProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  useEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    element.width = heat.columns.length;
    element.height = BINS;
    const context = element.getContext("2d") as CanvasRenderingContext2D;
    const { series } = palette();
    context.fillStyle = series[0] as string;
    heat.columns.forEach((column, x) => {
      column.forEach((part, bin) => {
        if (part === 0) return;
        context.globalAlpha = 0.06 + 0.94 * part ** 0.7;
        context.fillRect(x, BINS - 1 - bin, 1, 1);
      });
    });
  }, [heat, dark]);
  const last = heat.columns.length - 1;
  const choosing = (event: PointerEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    choose(Math.min(last, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * (last + 1)))));
  };
  return (
    <figure class="heat">
      <div class="edges" aria-hidden="true"><span>{value(heat.high, 3)}</span><span>{value(heat.low, 3)}</span></div>
      <div class="map" style={{ height: `${HEIGHT}px` }} onPointerDown={choosing} onPointerMove={(event) => event.buttons > 0 && choosing(event)}>
        <canvas ref={canvas} role="img" aria-label={`${name}: from ${value(heat.low, 3)} to ${value(heat.high, 3)}, ${from} to ${to}`} />
        <i style={{ left: `${((at + 0.5) / (last + 1)) * 100}%` }} aria-hidden="true" />
      </div>
      <div class="ends" aria-hidden="true"><span>{from}</span><span>{to}</span></div>
    </figure>
  );
}

function Bars({ histogram }: { histogram: Histogram }) {
  const counts = histogram.counts;
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  const total = counts.reduce((a, b) => a + b, 0);
  const [first, last] = [histogram.edges[0], histogram.edges.at(-1)];
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${counts.length} 100`} preserveAspectRatio="none" role="img"
        aria-label={`${captionOf(histogram)}: ${count(total)} values from ${edge(first)} to ${edge(last)}`}>
        {counts.map((held, i) => <rect key={i} x={i + 0.06} width={0.88} y={100 - (held / most) * 100} height={(held / most) * 100}><title>{`${edge(histogram.edges[i])} to ${edge(histogram.edges[i + 1])}: ${count(held)}`}</title></rect>)}
      </svg>
      <figcaption><span>{edge(first)}</span><span>{[captionOf(histogram), `${count(total)} values`].filter(Boolean).join(" · ")}</span><span>{edge(last)}</span></figcaption>
    </figure>
  );
}

function edge(held: unknown): string {
  return typeof held === "number" ? value(held, 3) : String(held ?? "");
}

/** Whether the page is dark now: what is drawn on a canvas does not follow by itself. */
function useDark(): boolean {
  const query = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const onChange = (): void => setDark(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, [query]);
  return dark;
}
