import { expect, test } from "vitest";
import { Listing } from "../src/data/listing";

interface Said {
  seq: number;
  time: number;
  rank?: number;
}

/** The events from place `from` up to, and without, `to`, the newest first. */
function page(from: number, to: number): Said[] {
  return Array.from({ length: to - from }, (_, i) => said(to - 1 - i));
}

function said(place: number): Said {
  return { seq: place, time: 1000 + place };
}

function seqs(listing: Listing<Said>): (number | undefined)[] {
  return Array.from({ length: listing.count ?? 0 }, (_, place) => listing.at(place)?.seq);
}

test("pages and live events join, each once and in its place", () => {
  const listing = new Listing<Said>();
  listing.add(said(9));
  expect(listing.count).toBe(null);
  listing.load(page(6, 10), 10, true);
  listing.add(said(9));
  listing.add(said(10));
  listing.load(page(2, 6), 6, false);
  expect(seqs(listing)).toEqual([undefined, undefined, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(listing.gapBefore(11)).toBe(1);
  listing.load(page(0, 2), 2, false);
  expect(listing.gapBefore(11)).toBe(-1);
});

test("events that a page brought already are not taken again when the stream brings them later", () => {
  const listing = new Listing<Said>();
  listing.load(page(150, 200), 200, true);
  for (let place = 100; place < 200; place++) listing.add(said(place));
  expect(listing.count).toBe(200);
});

test("the newest page is the truth about how many there are", () => {
  const listing = new Listing<Said>();
  listing.load(page(0, 3), 3, true);
  for (const place of [3, 4, 5]) listing.add(said(place));
  listing.load(page(2, 4), 4, true);
  expect(seqs(listing)).toEqual([0, 1, 2, 3]);
});

test("a gap is known where more came at once than a page holds", () => {
  const listing = new Listing<Said>();
  listing.load(page(0, 3), 3, true);
  listing.load(page(8, 10), 10, true);
  expect(listing.gapBefore(10)).toBe(7);
  expect(listing.gapBefore(8)).toBe(7);
});

test("what came since it was first looked at is new for a while", () => {
  const listing = new Listing<Said>();
  listing.load(page(0, 2), 2, true, 0);
  listing.load(page(1, 3), 3, true, 100);
  expect([0, 1, 2].map((place) => listing.isNew(place, 200))).toEqual([false, false, true]);
  listing.load(page(1, 3), 3, true, 4_000);
  expect(listing.isNew(2, 4_200)).toBe(false);
});

test("what came long ago leaves memory, and is a gap", () => {
  const listing = new Listing<Said>();
  listing.load([], 0, true);
  for (let place = 0; place < 10_001; place++) listing.add(said(place));
  expect(listing.count).toBe(10_001);
  expect(listing.gapBefore(10_001)).toBe(5_000);
});
