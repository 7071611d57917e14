import type { RunRow } from "../../client/api";

/** The part of a run id that people say: `quiet-otter`. */
export function spokenId(run: string): string {
  return /^\d{8}-\d{6}-(.+)$/.exec(run)?.[1] ?? run;
}

/** What a run is called: a name that is only its id is said without the time. */
export function calledOf({ run, name }: Pick<RunRow, "run" | "name">): string {
  return name === run ? spokenId(run) : name;
}

/** What people call a run beside its name: nothing where it has none of its own. */
export function idBeside(row: Pick<RunRow, "run" | "name">): string {
  return [row.run, spokenId(row.run)].includes(row.name) ? "" : spokenId(row.run);
}
