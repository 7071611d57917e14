/** The colours of the page as its stylesheet has them now: for what is drawn on a canvas. */
export interface Palette {
  series: string[];
  surface: string;
  grid: string;
  ink: string;
  faint: string;
  soft: string;
  edge: string;
  warn: string;
  bad: string;
  font: string;
}

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    series: [1, 2, 3, 4, 5, 6, 7].map((n) => read(`--s${n}`)),
    surface: read("--surface"),
    grid: read("--rule2"),
    ink: read("--ink"),
    faint: read("--faint"),
    soft: read("--soft"),
    edge: read("--edge"),
    warn: read("--warn"),
    bad: read("--bad"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

let ruler: CanvasRenderingContext2D | null = null;

/** How wide words stand in a font, in CSS pixels. */
export function textWidth(words: string, font: string): number {
  ruler ??= document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;
  ruler.font = font;
  return ruler.measureText(words).width;
}
