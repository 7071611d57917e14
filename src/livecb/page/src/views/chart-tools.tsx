import { useEffect, useState } from "preact/hooks";
import type { ChartSpec } from "../data/charts";
import type { Look } from "../data/lines";
import type { LookChoice } from "../look";
import type { RunSession } from "../session";
import { lazy } from "./lazy";
import { usePopup } from "./popup";

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
  const popup = usePopup();
  const [told, setTold] = useState(false);
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
    <span class="tools" {...popup.place}>
      {large && <button type="button" class="small" onClick={() => setLarge(false)}>Close</button>}
      <button type="button" class="dots" aria-haspopup="menu" aria-label={`What to do with the chart ${chart.title}`} {...popup.button}>
        <span aria-hidden="true">⋯</span>
      </button>
      {popup.open && <ChartMenu {...props} close={popup.close} tell={() => setTold(true)} />}
      {told && <ChartTable {...props} close={() => setTold(false)} />}
    </span>
  );
}
