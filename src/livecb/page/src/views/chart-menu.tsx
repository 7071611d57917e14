import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { axisWords } from "../data/axes";
import { csvOf } from "../data/csv";
import { metricsOf } from "./chart-model";
import type { ToolProps } from "./chart-tools";
import { pictureOf } from "./picture";

/** The menu of a chart: where it stands, how large, and taking it elsewhere. */
export function ChartMenu({ session, choice, chart, look, range, large, setLarge, canvas, close, tell }: ToolProps & { close(): void; tell(): void }) {
  const menu = useRef<HTMLDivElement>(null);
  const [told, setTold] = useState("");
  useLayoutEffect(() => menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus(), []);
  const { title } = chart;
  const state = session.state;
  const heading = [state?.name, title].filter(Boolean).join(" · ");
  const picture = (): Promise<Blob> => pictureOf(canvas(), heading, chart.lines, axisWords(look.axis));
  const csv = (): string => csvOf(chart.lines.flatMap(metricsOf), session.curves, look, range);
  const fileName = heading.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  const act = (deed: () => void) => () => {
    deed();
    close();
  };
  const copy = (name: string, wish: () => Promise<void>) => () => {
    wish().then(() => setTold(`${name} copied.`), (error: unknown) => setTold(cannot(name, error)));
  };
  const save = (suffix: string, wish: () => Promise<Blob>) => () => {
    wish().then((blob) => (download(blob, `${fileName}.${suffix}`), close()), (error: unknown) => setTold(cannot("The file", error)));
  };
  const items: [string, () => void][] = [
    [choice.settings.pinned.includes(title) ? "Unpin" : "Pin to the top", act(() => choice.toggle("pinned", title))],
    ["Hide", act(() => choice.toggle("hidden", title))],
    [large ? "As it was" : "Full screen", act(() => setLarge(!large))],
    ["Show as a table", act(tell)],
    ["Zoom in", act(() => choice.closer(range, range))],
    // Safari takes a promise of a picture, and only while the press is fresh.
    ["Copy PNG", copy("Picture", () => navigator.clipboard.write([new ClipboardItem({ "image/png": picture() })]))],
    ["Save PNG", save("png", picture)],
    ["Copy CSV", copy("Values", () => navigator.clipboard.writeText(csv()))],
    ["Save CSV", save("csv", async () => new Blob([csv()], { type: "text/csv" }))],
  ];
  const onKey = (event: KeyboardEvent): void => {
    const all = [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") close();
    if (to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  };
  return (
    <div class="menu">
      <div ref={menu} role="menu" aria-label={`What to do with the chart ${title}`} onKeyDown={onKey}>
        {items.map(([label, press]) => <button key={label} type="button" role="menuitem" tabIndex={-1} onClick={press}>{label}</button>)}
      </div>
      <p role="status">{told || thinnedWords(chart.lines.flatMap(metricsOf), session)}</p>
    </div>
  );
}

function cannot(what: string, error: unknown): string {
  if (!navigator.clipboard) return "Browsers let a page copy only over HTTPS, or from this machine: save it instead.";
  return `${what} could not be made: ${error instanceof Error ? error.message : error}. Save it instead.`;
}

function thinnedWords(metrics: readonly string[], { curves }: ToolProps["session"]): string {
  const thinned = metrics.some((metric) => curves.byName.get(metric)?.thinned);
  return thinned ? "CSV holds the points that are here: zoom in for all of a part, or export the run." : "";
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
