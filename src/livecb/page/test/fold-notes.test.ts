import { expect, test } from "vitest";
import type { Note } from "../client/generated/events";
import { foldNotes } from "../client/notes";

const note = (text: string, more: Partial<Note> = {}): Note => ({ type: "note", seq: -1, time: 1, text, ...more }) as Note;

test("a note that was edited stands where it stood, and one that was taken back stands nowhere", () => {
  let notes = [note("too high", { id: "a" }), note("the training's")].reduce(foldNotes, [] as Note[]);
  notes = foldNotes(notes, note("fine", { id: "a", edited: 2 }));
  expect(notes.map(({ text }) => text)).toEqual(["fine", "the training's"]);
  notes = foldNotes(notes, note("", { id: "a", deleted: true }));
  expect(notes.map(({ text }) => text)).toEqual(["the training's"]);
  expect(foldNotes(notes, note("", { id: "unknown", deleted: true }))).toEqual(notes);
});

test("the training's notes have no id, and none takes another's place", () => {
  expect([note("one"), note("two")].reduce(foldNotes, [] as Note[])).toHaveLength(2);
});
