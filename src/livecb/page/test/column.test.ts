import { expect, test } from "vitest";
import { Column } from "../src/data/column";

test("a column of one number takes no room, whatever its length", () => {
  const column = new Column();
  for (let i = 0; i < 10_000; i++) column.push(NaN);
  expect(column.length).toBe(10_000);
  expect(column.nbytes).toBe(0);
  expect(column.at(9_999)).toBeNaN();
  expect(column.at(10_000)).toBeNaN();
  column.keep([1, 2, 3]);
  expect([...column.view()]).toEqual([NaN, NaN, NaN]);
  expect(column.nbytes).toBe(0);
});

test("a column that becomes another number remembers what was before", () => {
  const column = new Column();
  for (let i = 0; i < 100; i++) column.push(1);
  column.push(2);
  column.push(1);
  expect(column.at(0)).toBe(1);
  expect(column.at(99)).toBe(1);
  expect(column.at(100)).toBe(2);
  expect(column.at(101)).toBe(1);
  expect([...column.view()]).toEqual([...Array<number>(100).fill(1), 2, 1]);
  column.keep([99, 100]);
  expect([...column.view()]).toEqual([1, 2]);
});

test("to set what it is already costs nothing; anything else is kept", () => {
  const column = new Column();
  for (let i = 0; i < 5; i++) column.push(0);
  column.set(3, 0);
  expect(column.nbytes).toBe(0);
  column.set(3, 1);
  column.set(9, 7);
  expect([...column.view()]).toEqual([0, 0, 0, 1, 0]);
  column.push(-0);
  expect(Object.is(column.at(5), -0)).toBe(true);
});
