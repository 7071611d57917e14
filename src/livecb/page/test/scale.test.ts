import { expect, test } from "vitest";
import { PLACES, parsed, scaleOf, openScaleOf } from "../src/data/scale";

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

test("a rate without bounds has a logarithmic slider around it, which keeps to the bound there is", () => {
  const scale = openScaleOf(null, null, 3e-4)!;
  expect([scale.log, scale.toValue(0), scale.toValue(PLACES)]).toEqual([true, 3e-7, 0.3]);
  expect(scale.toValue(scale.toPlace(3e-4))).toBeCloseTo(3e-4, 6);
  expect(openScaleOf(0, null, 1e-3)!.toValue(0)).toBe(1e-6);
  expect(openScaleOf(1e-5, 1e-2, 1e-3)!.toValue(PLACES)).toBe(1e-2);
  expect([openScaleOf(null, null, 0), openScaleOf(null, null, -1), openScaleOf(null, null, Infinity)]).toEqual([null, null, null]);
});
