import { expect, test } from "vitest";
import { MessageParser } from "../client/sse";

const STREAM = 'retry: 1000\n\nevent: connected\ndata: {"cursor":"0"}\n\n: ping\n\nid: 7\ndata: {"a":1}\n\nid: 9\ndata: one\ndata: two\n\n';

test("messages come out whole however the text is cut", () => {
  const whole = new MessageParser().feed(STREAM);
  for (let size = 1; size < 12; size++) {
    const parser = new MessageParser();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) found.push(...parser.feed(STREAM.slice(at, at + size)));
    expect(found).toEqual(whole);
    expect(parser.retry).toBe(1000);
  }
  expect(whole).toEqual([
    { event: "connected", data: '{"cursor":"0"}', id: null },
    { event: "", data: '{"a":1}', id: "7" },
    { event: "", data: "one\ntwo", id: "9" },
  ]);
});

test("carriage returns before line feeds are no part of a value", () => {
  expect(new MessageParser().feed("event: x\r\ndata: y\r\n\r\n")).toEqual([{ event: "x", data: "y", id: null }]);
});

test("an id belongs to its message alone", () => {
  const [first, second] = new MessageParser().feed("id: 1\ndata: a\n\ndata: b\n\n");
  expect([first?.id, second?.id]).toEqual(["1", null]);
});
