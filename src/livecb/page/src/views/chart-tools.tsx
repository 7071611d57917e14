import { useEffect, useRef, useState } from "preact/hooks";
import type { ChartSpec } from "../data/charts";
import type { Look } from "../data/lines";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { lazy } from "./lazy";

const ChartTable = lazy(() => import("./chart-table"), (module) => module.ChartTable);
const ChartMenu = lazy(() => import("./chart-menu"), (module) => module.ChartMenu);

export interface ToolProps {
  session: RunSession;
  choice: LookChoice;
  /** The chart with the lines that are drawn. */
  chart: ChartSpec;
  look: Look;
  range: readonly [number, number];
  large: boolean;
  setLarge(large: boolean): void;
  canvas(): HTMLCanvasElement | null;
}

/** What can be done with one chart. */
export function ChartTools(props: ToolProps) {
  const { chart, large, setLarge } = props;
  const [open, setOpen] = useState(false);
  const [told, setTold] = useState(false);
  const place = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    const onDown = (event: Event): void => void (place.current?.contains(event.target as Node) || setOpen(false));
    addEventListener("pointerdown", onDown);
    return () => removeEventListener("pointerdown", onDown);
  }, [open]);
  useEffect(() => {
    if (!large) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setLarge(false);
    };
    addEventListener("keydown", onKey, true);
    return () => removeEventListener("keydown", onKey, true);
  }, [large]);
  return (
    <span class="tools" ref={place} onKeyDown={(event) => open && event.key === "Escape" && (event.stopPropagation(), close())}>
      {large && <button type="button" class="small" onClick={() => setLarge(false)}>Close</button>}
      <button ref={button} type="button" class="dots" aria-haspopup="menu" aria-expanded={open} aria-label={`What to do with the chart ${chart.title}`}
        onClick={() => setOpen(!open)}>
        <span aria-hidden="true">⋯</span>
      </button>
      {open && <ChartMenu {...props} close={close} tell={() => setTold(true)} />}
      {told && <ChartTable {...props} close={() => setTold(false)} />}
    </span>
  );
}
