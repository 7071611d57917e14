import { expect, test } from "vitest";
import type { RunRow } from "../client/api";
import { calledOf, idBeside } from "../src/data/called";
import { flatten } from "../src/data/flatten";
import { place, runPath } from "../src/routes";
import { merge } from "../src/runs";

test("the page finds its root under any prefix", () => {
  expect(place("/")).toEqual({ base: "/", run: null });
  expect(place("/r/a-b")).toEqual({ base: "/", run: "a-b" });
  expect(place("/user/x/proxy/8081/")).toEqual({ base: "/user/x/proxy/8081/", run: null });
  expect(place("/user/r/proxy/8081/r/a%20b")).toEqual({ base: "/user/r/proxy/8081/", run: "a b" });
  expect(place("/x/r/foo/")).toEqual({ base: "/x/r/foo/", run: null });
  expect(place(runPath("/p/", "a b"))).toEqual({ base: "/p/", run: "a b" });
});

test("an address with a stray percent sign names a run that there is not", () => {
  expect(place("/r/%")).toEqual({ base: "/", run: "%" });
});

test("a nested config is flat, in its order, as Python writes it", () => {
  const config = { model: { hidden: [64, 64], act: null }, lr: 0.001, on: true, empty: {}, inf: { $float: "Infinity" } };
  expect(flatten(config).map(({ key, text }) => `${key}=${text}`)).toEqual([
    "model.hidden=[64, 64]", "model.act=None", "lr=0.001", "on=True", "empty={}", "inf=Infinity",
  ]);
});

test("changed runs keep their place, those that began last come first, whatever they are called", () => {
  const row = (run: string, started: number | null, name = run): RunRow => ({ run, name, started }) as RunRow;
  const merged = merge([row("my-run", 2), row("a", 1), row("d", null)], [row("a", 1, "A"), row("c", 3), row("b", 1)]);
  expect(merged.map((one) => one.name)).toEqual(["c", "my-run", "b", "A", "d"]);
});

test("a run without a name of its own is called once, and without its time", () => {
  expect(calledOf({ run: "20261121-100728-quick-breeze", name: "20261121-100728-quick-breeze" })).toBe("quick-breeze");
  expect(calledOf({ run: "20261121-100728-quick-breeze", name: "20261121 again" })).toBe("20261121 again");
  expect(idBeside({ run: "20261121-100728-quick-breeze", name: "20261121-100728-quick-breeze" })).toBe("");
  expect(idBeside({ run: "20261121-100728-quick-breeze", name: "digits" })).toBe("quick-breeze");
  expect(idBeside({ run: "my-run", name: "my-run" })).toBe("");
});
