import { expect, test } from "vitest";
import { DEFAULTS, fromAddress, tidy, toAddress, type Settings } from "../src/data/settings";

const CHOSEN: Settings = {
  axis: "tokens", smoothing: 0.25, log: true, logX: true, marks: false, best: false, find: "^val/.*", pinned: ["loss", "a, b"], hidden: ["lr"], off: ["x&y"], folds: [""],
};

test("an address shows another viewer the same view", () => {
  const query = new URLSearchParams();
  toAddress(query, CHOSEN, { from: 12.5, to: 90 });
  expect(fromAddress(new URLSearchParams(query.toString()))).toEqual({ ...CHOSEN, from: 12.5, to: 90 });
});

test("an address says nothing of what is as usual, and keeps what is not about charts", () => {
  const query = new URLSearchParams("other=1&x=epoch&pin=loss");
  toAddress(query, DEFAULTS, { from: null, to: null });
  expect(query.toString()).toBe("other=1");
  expect(fromAddress(query)).toBeNull();
});

test("what cannot be is as if it were not said", () => {
  const said = fromAddress(new URLSearchParams("x=moon&smooth=7&from=9&to=3&log=q"));
  expect(said).toEqual({ ...DEFAULTS, smoothing: 0.99, from: null, to: null });
  expect(fromAddress(new URLSearchParams("smooth=much"))?.smoothing).toBe(DEFAULTS.smoothing);
});

test("what another version of the page kept is taken over as far as it is understood", () => {
  expect(tidy({ axis: "time", smoothing: 0.5, log: "yes", pinned: [1], colour: "red" })).toEqual({ ...DEFAULTS, axis: "time", smoothing: 0.5 });
  expect(tidy(null)).toEqual(DEFAULTS);
});
