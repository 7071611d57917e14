/** How a piece of text was coloured for a terminal: classes of the stylesheet, and colours that it has none for. */
export interface Style {
  kind: string;
  color: string | null;
  ground: string | null;
}

/** From `at` on the text looks so. */
export interface Span {
  at: number;
  style: Style;
}

// Colours, cursor movements, titles and links of terminals.
const ESCAPE = /\u001b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
const PLAIN: Style = { kind: "", color: null, ground: null };

interface Look {
  on: Set<string>;
  color: string | null;
  ground: string | null;
}

/** Take the terminal's orders out of a text: what is left, and how it looked. */
export function parseAnsi(said: string): { text: string; spans: Span[] } {
  if (!said.includes("\u001b")) return { text: said, spans: [] };
  const spans: Span[] = [];
  const look: Look = { on: new Set(), color: null, ground: null };
  let text = "";
  let done = 0;
  for (const found of said.matchAll(ESCAPE)) {
    text += said.slice(done, found.index);
    done = found.index + found[0].length;
    if (found[2] !== "m") continue;
    obey(found[1] ?? "", look);
    if (spans.at(-1)?.at === text.length) spans.pop();
    spans.push({ at: text.length, style: styleOf(look) });
  }
  return { text: text + said.slice(done), spans };
}

/** How the text between two places looks, piece by piece. */
export function* pieces(spans: readonly Span[], from: number, to: number): Generator<{ from: number; to: number; style: Style }> {
  let at = from;
  let style = PLAIN;
  for (const span of spans) {
    if (span.at >= to) break;
    if (span.at > at) {
      yield { from: at, to: span.at, style };
      at = span.at;
    }
    style = span.style;
  }
  if (at < to || from === to) yield { from: at, to, style };
}

const MARKS: Record<number, string> = { 1: "bold", 2: "dim", 3: "slant", 4: "under", 7: "turned", 9: "struck" };
const ENDS: Record<number, string[]> = { 22: ["bold", "dim"], 23: ["slant"], 24: ["under"], 27: ["turned"], 29: ["struck"] };

function obey(orders: string, look: Look): void {
  const codes = orders.split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    if (code === 0) [look.color, look.ground] = [(look.on.clear(), null), null];
    else if (MARKS[code]) look.on.add(MARKS[code]);
    else if (ENDS[code]) for (const mark of ENDS[code]) look.on.delete(mark);
    else if (code === 38 || code === 48) {
      const [color, used] = colorOf(codes.slice(i + 1));
      i += used;
      look[code === 38 ? "color" : "ground"] = color;
    } else if (code === 39) look.color = null;
    else if (code === 49) look.ground = null;
    else if (isBetween(code, 30, 37)) look.color = `c${code - 30}`;
    else if (isBetween(code, 90, 97)) look.color = `c${code - 90 + 8}`;
    else if (isBetween(code, 40, 47)) look.ground = `c${code - 40}`;
    else if (isBetween(code, 100, 107)) look.ground = `c${code - 100 + 8}`;
  }
}

function isBetween(code: number, low: number, high: number): boolean {
  return code >= low && code <= high;
}

/** One of the 256 colours (`5;n`) or a mixed one (`2;r;g;b`), and how many numbers said so. */
function colorOf([kind, ...rest]: number[]): [string | null, number] {
  if (kind === 2) return [`rgb(${rest.slice(0, 3).map((part) => Math.min(255, part || 0)).join(" ")})`, 4];
  const number = Math.min(255, rest[0] ?? 0);
  if (kind !== 5) return [null, 0];
  if (number < 16) return [`c${number}`, 2];
  if (number >= 232) return [`rgb(${Array(3).fill(8 + 10 * (number - 232)).join(" ")})`, 2];
  const cube = number - 16;
  const steps = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((step) => (step ? 55 + 40 * step : 0));
  return [`rgb(${steps.join(" ")})`, 2];
}

function styleOf({ on, color, ground }: Look): Style {
  const classes = [...on];
  if (color?.startsWith("c")) classes.push(color);
  if (ground?.startsWith("c")) classes.push(`on-${ground}`);
  return {
    kind: classes.join(" "), color: color?.startsWith("r") ? color : null, ground: ground?.startsWith("r") ? ground : null,
  };
}
