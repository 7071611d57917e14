import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const CSS = readFileSync(new URL("../src/styles/base.css", import.meta.url), "utf8");
const [LIGHT, DARK] = CSS.split("@media screen and (prefers-color-scheme: dark)") as [string, string];

type Rgb = [number, number, number];

/** The colour of a name, in linear light. */
function linear(css: string, name: string): Rgb {
  const hex = new RegExp(`--${name}: #([0-9a-f]+)`).exec(css)?.[1] as string;
  const full = hex.length === 3 ? [...hex].map((each) => each + each).join("") : hex;
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as Rgb;
}

const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** How colours look without one kind of cones, in linear light: Machado, Oliveira and Fernandes, 2009, severity 1. */
const EYES: Record<string, [Rgb, Rgb, Rgb]> = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function seen(color: Rgb, eyes: string): Rgb {
  return (EYES[eyes] as [Rgb, Rgb, Rgb]).map((row) => Math.min(1, Math.max(0, row.reduce((sum, part, i) => sum + part * (color[i] as number), 0)))) as Rgb;
}

/** A place in Oklab, where distances are those that people see: 0.02 is just noticed side by side. */
function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const apart = (one: Rgb, other: Rgb): number => Math.hypot(...oklab(one).map((part, i) => part - (oklab(other)[i] as number)));

for (const [scheme, css] of [["light", LIGHT], ["dark", DARK]] as const) {
  const series = [1, 2, 3, 4, 5, 6, 7].map((n) => linear(css, `s${n}`));

  test(`every line is seen on what it is drawn on, ${scheme}`, () => {
    for (const color of series) expect(contrast(color, linear(css, "surface"))).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.keys(EYES))(`the first five lines are told apart by their colour alone, ${scheme}, %s`, (eyes) => {
    const five = series.slice(0, 5).map((color) => seen(color, eyes));
    const pairs = five.flatMap((one, i) => five.slice(i + 1).map((other, k): [string, number] => [`s${i + 1} s${i + k + 2}`, apart(one, other)]));
    expect(pairs.filter(([, distance]) => distance < 0.08)).toEqual([]);
  });
}
