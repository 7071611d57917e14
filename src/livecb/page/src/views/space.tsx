import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Candidate } from "../../client/api";
import { toNumber } from "../../client/number";
import { keyOf } from "../data/board";
import { value } from "../data/format";
import { paramsIn, scoreIn, type Dimension } from "../data/space";

const MOST_AXES = 9;
const [WIDTH, HEIGHT] = [960, 300];
const [TOP, BOTTOM, SIDE] = [34, 26, 60];

/** Where candidates stand among the parameters: each a line over all of them, or a point of one against a score. */
export function Space({ rows }: { rows: readonly Candidate[] }) {
  const scores = useMemo(() => [...new Set(rows.flatMap((row) => Object.keys(row.scores ?? {})))], [rows]);
  const params = useMemo(() => paramsIn(rows), [rows]);
  const [chosen, setScore] = useState<string | null>(null);
  const [param, setParam] = useState("");
  // By its key, for news make rows anew.
  const [lit, light] = useState<string | null>(null);
  const setLit = (row: Candidate | null): void => light(row && keyOf(row));
  const name = chosen ?? scores[0] ?? "";
  const score = useMemo(() => scoreIn(rows, name), [rows, name]);
  const across = params.find((each) => each.name === param) ?? null;
  if (params.length === 0 || !score) return <p class="none">No parameter differs between candidates with different scores, so there is nothing to draw.</p>;
  const told = rows.find((row) => keyOf(row) === lit) ?? rows.find((row) => row.place === 1) ?? null;
  const onKeyDown = (event: KeyboardEvent): void => {
    const ranked = rows.filter((row) => row.place !== null).sort((a, b) => (a.place as number) - (b.place as number));
    const at = told ? ranked.indexOf(told) : -1;
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: ranked.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setLit(ranked[Math.min(ranked.length - 1, Math.max(0, to))] ?? null);
  };
  const reach = { tabIndex: 0, role: "img" as const, onKeyDown, onMouseLeave: () => setLit(null), onBlur: () => setLit(null) };
  return (
    <>
      <div class="bar choices">
        <label>score <select value={name} onChange={(event) => setScore(event.currentTarget.value)}>{scores.map((each) => <option key={each}>{each}</option>)}</select></label>
        <label>against <select value={param} onChange={(event) => setParam(event.currentTarget.value)}>
          <option value="">all parameters</option>
          {params.map((each) => <option key={each.name}>{each.name}</option>)}
        </select></label>
        <span class="soft told" role="status">{told ? toldWords(told, name) : ""}</span>
      </div>
      {across ? <Scatter {...{ rows, across, score, told, setLit, reach }} /> : <Parallel {...{ rows, score, told, setLit, reach }} axes={[...params.slice(0, MOST_AXES - 1), score]} />}
      {!across && params.length >= MOST_AXES && <p class="more">The first {MOST_AXES - 1} of {params.length} parameters; choose one to see the others.</p>}
    </>
  );
}

function toldWords(row: Candidate, score: string): string {
  return [row.place === 1 ? `best: ${row.name}` : row.name, `${score} ${value(toNumber(row.scores?.[score]))}`].join(" · ");
}

interface DrawnProps {
  rows: readonly Candidate[];
  score: Dimension;
  told: Candidate | null;
  setLit(row: Candidate | null): void;
  /** What makes the drawing go from candidate to candidate by arrow keys. */
  reach: JSX.IntrinsicElements["svg"];
}

/** How strongly one is drawn: the better half stands out. */
function strength(row: Candidate, rows: readonly Candidate[]): number {
  const part = 1 - ((row.place ?? rows.length) - 1) / Math.max(1, rows.length - 1);
  return 0.12 + 0.78 * part ** 2;
}

function Parallel({ rows, axes, told, setLit, reach }: DrawnProps & { axes: Dimension[] }) {
  const x = (at: number): number => SIDE + (at * (WIDTH - 2 * SIDE)) / Math.max(1, axes.length - 1);
  const y = (at: number): number => HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM);
  const path = (row: Candidate): string => {
    const points = axes.map((axis, i) => [x(i), axis.at(row)] as const).filter((point): point is readonly [number, number] => point[1] !== null);
    return points.map(([px, at], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${y(at).toFixed(1)}`).join("");
  };
  const lines = useMemo(() => [...rows].reverse().map((row) => ({ row, d: path(row), opacity: strength(row, rows) })), [rows, axes.map((axis) => axis.name).join()]);
  return (
    <div class="scroll">
      <svg class="space" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} {...reach} aria-label={`Parallel coordinates: ${rows.length} candidates over ${axes.map((axis) => axis.name).join(", ")}`}>
        {lines.map(({ row, d, opacity }) => (
          <path key={keyOf(row)} d={d} stroke-opacity={opacity} onMouseEnter={() => setLit(row)}><title>{row.name}</title></path>
        ))}
        {told && <path class="told" d={path(told)} />}
        {axes.map((axis, i) => (
          <g key={axis.name} class="axis">
            <line x1={x(i)} x2={x(i)} y1={y(0)} y2={y(1)} />
            <text x={x(i)} y={14} text-anchor="middle" class="name">{short(axis.name)}<title>{axis.name}</title></text>
            {axis.ticks.map(({ at, label }) => <text key={at} x={x(i) + 5} y={y(at) + (at === 1 ? -4 : at === 0 ? 12 : 4)}>{label}</text>)}
          </g>
        ))}
      </svg>
    </div>
  );
}

function Scatter({ rows, across, score, told, setLit, reach }: DrawnProps & { across: Dimension }) {
  const x = (at: number): number => SIDE + at * (WIDTH - 2 * SIDE);
  const y = (at: number): number => HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM);
  return (
    <div class="scroll">
      <svg class="space" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} {...reach} aria-label={`${score.name} against ${across.name}: ${rows.length} candidates`}>
        <g class="axis">
          <line x1={SIDE - 12} x2={WIDTH - SIDE + 12} y1={y(0) + 8} y2={y(0) + 8} />
          {score.ticks.map(({ at, label }) => <text key={at} x={SIDE - 18} y={y(at) + 4} text-anchor="end">{label}</text>)}
          {across.ticks.map(({ at, label }) => <text key={at} x={x(at)} y={HEIGHT - 3} text-anchor="middle">{label}</text>)}
          <text x={4} y={14} class="name">{score.name}</text>
          <text x={WIDTH - 4} y={HEIGHT - BOTTOM} text-anchor="end" class="name">{across.name}{across.log ? " (log)" : ""}</text>
        </g>
        {[...rows].reverse().map((row) => {
          const [px, py] = [across.at(row), score.at(row)];
          if (px === null || py === null) return null;
          return <circle key={keyOf(row)} class={row === told ? "told" : ""} cx={x(px)} cy={y(py)} r={row === told ? 6 : 4.5} fill-opacity={strength(row, rows)} onMouseEnter={() => setLit(row)}><title>{row.name}</title></circle>;
        })}
      </svg>
    </div>
  );
}

function short(name: string): string {
  const last = name.split(".").at(-1) as string;
  return last.length > 16 ? `${last.slice(0, 15)}…` : last;
}
