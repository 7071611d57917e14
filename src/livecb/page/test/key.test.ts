import { expect, test } from "vitest";
import { metricKey } from "../src/data/key";
import cases from "./keys.json";

test("a metric has the key that the server gives it", () => {
  for (const [name, context, rank, key] of cases as [string, string | null, number, string][]) {
    expect(metricKey(name, context, rank)).toBe(key);
  }
});
