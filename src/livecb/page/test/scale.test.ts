import { expect, test } from "vitest";
import { PLACES, parsed, scaleOf } from "../src/data/scale";

test("a range that spans decades is logarithmic, and both ends are reached", () => {
  const scale = scaleOf(1e-6, 1, 0.001, false);
  expect(scale.log).toBe(true);
  expect([scale.toValue(0), scale.toValue(PLACES), scale.toValue(PLACES / 2)]).toEqual([1e-6, 1, 0.001]);
});

test("a range from 0 is logarithmic where the value is small in it, and 0 can be had", () => {
  const scale = scaleOf(0, 1, 0.001, false);
  expect(scale.log).toBe(true);
  expect([scale.toValue(0), scale.toPlace(0), scale.toValue(PLACES)]).toEqual([0, 0, 1]);
  expect(scaleOf(0, 2, 0.7, false).log).toBe(false);
});

test("a value keeps its place to within a step of the slider", () => {
  for (const [min, max, held, whole] of [[0, 2, 0.7, false], [1e-6, 1, 0.02, false], [1, 64, 8, true], [-5, 5, 0, false]] as const) {
    const scale = scaleOf(min, max, held, whole);
    expect(Math.abs(scale.toPlace(scale.toValue(scale.toPlace(held))) - scale.toPlace(held))).toBeLessThanOrEqual(9);
    expect(scale.toValue(scale.toPlace(held))).toBeCloseTo(held, 2);
  }
});

test("values are round, and whole where they count", () => {
  const rate = scaleOf(1e-6, 1, 0.001, false);
  for (let place = 0; place <= PLACES; place += 7) expect(String(rate.toValue(place).toExponential()).replace(/e.*/, "").length).toBeLessThanOrEqual(3);
  const size = scaleOf(1, 4096, 8, true);
  for (let place = 0; place <= PLACES; place += 7) expect(Number.isInteger(size.toValue(place))).toBe(true);
});

test("what is no number, or beyond the bounds, says what was expected", () => {
  expect([parsed("1e-3", 0, 1), parsed(" 0.5 ", null, null), parsed("\u22122", null, null)]).toEqual([0.001, 0.5, -2]);
  expect(parsed("fast", 0, 1)).toContain("expected a number");
  expect(parsed("", 0, 1)).toContain("expected a number");
  expect(parsed("2", 0, 1)).toBe("expected at most 1, got 2");
  expect(parsed("-1", 0, 1)).toBe("expected at least 0, got -1");
});
