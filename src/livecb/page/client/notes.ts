import type { Note } from "./generated/events.js";

/**
 * Notes as they stand after one more `note` event: one that was edited takes the place of what it was, one that was
 * taken back is left out. For those who follow a run's events; `live(run).get().state.notes` is folded already.
 */
export function foldNotes(notes: readonly Note[], note: Note): Note[] {
  const at = note.id ? notes.findIndex(({ id }) => id === note.id) : -1;
  if (note.deleted) return notes.filter((_, index) => index !== at);
  return at < 0 ? [...notes, note] : notes.map((known, index) => (index === at ? note : known));
}
