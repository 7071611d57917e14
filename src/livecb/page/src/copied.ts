/** What a file that holds a run says of itself. */
export interface Copied {
  run: string;
  /** When it was made, Unix seconds. */
  at: number;
  /** What was left out of it, a sentence each. */
  left: string[];
}

/** The live page is no copy; in a file that holds a run, `copy/copied.ts` stands in this module's place. */
export const copied = null as Copied | null;
