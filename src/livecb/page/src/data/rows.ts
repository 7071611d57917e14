import type { Candidate, LeaderboardPage } from "../../client/api";

/** The leaderboard's rows, kept up to date by what changed since. */
export class Rows {
  /** All that are shown, the best first; null until the server said. */
  all: Candidate[] | null = null;
  /** How many candidates there are. */
  count = 0;
  /** What to ask for news with: up to where they are known. */
  mark = "";
  #byNumber = new Map<number, Candidate>();

  /** Take in an answer; false where it speaks of rows that were never told: then all are to be asked for anew. */
  take(answer: LeaderboardPage): boolean {
    const changed = answer.leaderboard;
    for (const row of changed) this.#byNumber.set(row.number, row);
    const order = answer.order ?? changed.map(({ number }) => number);
    if (order.some((number) => !this.#byNumber.has(number))) {
      this.mark = "";
      return false;
    }
    this.all = order.map((number, at) => {
      const row = this.#byNumber.get(number) as Candidate;
      const place = answer.places ? (answer.places[at] ?? null) : row.place;
      if (row.place === place) return row;
      const moved = { ...row, place };
      this.#byNumber.set(number, moved);
      return moved;
    });
    this.count = answer.count;
    this.mark = answer.mark;
    return true;
  }
}
