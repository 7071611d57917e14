import { describe, expect, it } from "vitest";
import { moved, scaled } from "../src/data/zoom";

const ALL = [0, 100] as const;

describe("a closer look without dragging", () => {
  it("goes to the middle half, and back to all", () => {
    expect(scaled(ALL, ALL, true)).toEqual([25, 75]);
    expect(scaled([25, 75], ALL, false)).toBeNull();
    expect(scaled([25, 75], ALL, true)).toEqual([37.5, 62.5]);
  });

  it("never leaves what there is", () => {
    expect(scaled([0, 20], ALL, false)).toEqual([0, 40]);
    expect(scaled([90, 100], ALL, false)).toEqual([80, 100]);
    expect(moved([0, 20], ALL, -1)).toEqual([0, 20]);
    expect(moved([70, 90], ALL, 1)).toEqual([80, 100]);
  });

  it("goes on by half of what is shown", () => {
    expect(moved([20, 40], ALL, 1)).toEqual([30, 50]);
    expect(moved([20, 40], ALL, -1)).toEqual([10, 30]);
  });

  it("stops where nothing more can be told apart", () => {
    const near = [50, 50.00005] as const;
    expect(scaled(near, ALL, true)).toEqual(near);
  });
});
