"""The contract of every log."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from livecb.errors import CursorError, LogError
from livecb.logs import START, Batch, FileLog, JoinedLog, Log, MemoryLog
from livecb.logs.http import HttpLog
from livecb.server.launch import Address, ThreadServer
from livecb.store import Store


class _JoinedOfOne(JoinedLog):
    """A joined log with one main part, which takes what is appended."""

    def append(self, lines: bytes) -> str:
        return self.parts["main"].append(lines)


class _HttpLog(HttpLog):
    """A log over HTTP; what is appended is written to the file behind it, in the dress of events."""

    def __init__(self, address: Address, path: Path) -> None:
        super().__init__(address.url("run"), until_end=False)
        self.file = FileLog(path)

    def append(self, lines: bytes) -> str:
        return self.file.append(_dressed(lines)) if lines.endswith(b"\n") else super().append(lines)

    def read(self, cursor: str = START, limit: int = 10_000) -> Batch:
        return _undressed(super().read(cursor, limit))

    async def follow(self, cursor: str = START, *, limit: int = 10_000) -> AsyncIterator[Batch]:
        async for batch in super().follow(cursor, limit=limit):
            yield _undressed(batch)


def _dressed(lines: bytes) -> bytes:
    return b"".join(b'{"type":"%b"}\n' % line for line in lines.splitlines())


def _undressed(batch: Batch) -> Batch:
    return dataclasses.replace(batch, lines=tuple(line[9:-2] for line in batch.lines))


@pytest.fixture
def path(store: Store) -> Path:
    return store.create("run").part_path()


@pytest.fixture(params=["memory", "file", "joined", "http"])
def log(request: pytest.FixtureRequest, store: Store, path: Path) -> Iterator[Log]:
    makers: dict[str, Callable[[], Log]] = {
        "memory": MemoryLog,
        "file": lambda: FileLog(path),
        "joined": lambda: _JoinedOfOne({"main": FileLog(path)}, "main"),
    }
    if request.param in makers:
        yield makers[request.param]()
        return
    server = ThreadServer(store, port=0)
    yield _HttpLog(server.start(), path)
    server.stop()


@pytest.fixture
def replace(log: Log, path: Path) -> Callable[[bytes], None]:
    """Replace all that the log holds, as a deletion and a new start would."""

    def replace(lines: bytes) -> None:
        if isinstance(log, MemoryLog):
            log.clear()
            log.append(lines)
        else:
            path.unlink()
            FileLog(path).append(_dressed(lines) if isinstance(log, _HttpLog) else lines)

    return replace


def test_an_empty_log_reads_as_nothing_from_the_start(log: Log) -> None:
    assert log.read() == Batch((), (), START)
    assert log.end() == START


def test_lines_come_in_the_order_in_which_they_were_appended(log: Log) -> None:
    log.append(b"one\n")
    log.append(b"two\nthree\n")
    assert log.read().lines == (b"one", b"two", b"three")


def test_append_returns_the_cursor_after_its_lines(log: Log) -> None:
    cursor = log.append(b"one\n")
    assert log.read(cursor).lines == ()
    log.append(b"two\n")
    assert log.read(cursor).lines == (b"two",)


def test_every_line_has_the_cursor_that_stands_after_it(log: Log) -> None:
    log.append(b"".join(b"line %d\n" % i for i in range(20)))
    batch = log.read()
    for at, cursor in enumerate(batch.cursors):
        assert log.read(cursor).lines == batch.lines[at + 1 :]
    assert batch.cursor == batch.cursors[-1] == log.end()


def test_a_limit_cuts_and_the_cursor_goes_on(log: Log) -> None:
    log.append(b"".join(b"%d\n" % i for i in range(25)))
    seen: list[bytes] = []
    cursor = START
    while (batch := log.read(cursor, 10)).lines:
        assert len(batch.lines) <= 10
        seen += batch.lines
        cursor = batch.cursor
    assert seen == [b"%d" % i for i in range(25)]


def test_a_line_longer_than_any_buffer_is_whole(log: Log) -> None:
    long = b"x" * 1_000_000
    log.append(long + b"\n" + b"short\n")
    first = log.read(START, 1)
    assert first.lines == (long,)
    assert log.read(first.cursor).lines == (b"short",)


def test_lines_without_an_end_are_refused_and_nothing_is_written(log: Log) -> None:
    with pytest.raises(LogError, match=r"newline|read only"):
        log.append(b"half")
    assert log.read().lines == ()


@pytest.mark.parametrize("cursor", ["-1", "one", "1e3", "../../etc", "9" * 400, "@", "1@", " 1", "²"])
def test_a_cursor_that_is_none_says_so(log: Log, cursor: str) -> None:
    with pytest.raises(CursorError, match="cursor"):
        log.read(cursor)


def test_a_cursor_of_a_replaced_log_leads_to_a_reset_from_the_start(
    log: Log, replace: Callable[[bytes], None]
) -> None:
    log.append(b"old one\nold two\n")
    cursor = log.read().cursor
    replace(b"new\n")
    batch = log.read(cursor)
    assert batch.reset
    assert batch.lines == (b"new",)
    assert not log.read(batch.cursor).reset


def test_a_reset_is_seen_even_if_the_new_log_is_longer(log: Log, replace: Callable[[bytes], None]) -> None:
    log.append(b"old\n")
    cursor = log.read().cursor
    replace(b"new one\nnew two\nnew three\n")
    batch = log.read(cursor)
    assert batch.reset
    assert batch.lines == (b"new one", b"new two", b"new three")


def test_threads_that_append_at_once_do_not_interleave(log: Log) -> None:
    def write(name: bytes) -> None:
        for i in range(300):
            log.append(b"%b %d %b\n" % (name, i, name * 50))

    threads = [threading.Thread(target=write, args=(bytes([65 + i]),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_writer: dict[bytes, list[int]] = {}
    for line in log.read(START, 10_000).lines:
        name, number, rest = line.split(b" ")
        assert rest == name * 50
        by_writer.setdefault(name, []).append(int(number))
    assert by_writer == {bytes([65 + i]): list(range(300)) for i in range(4)}


def test_tail_yields_what_is_there_and_what_comes_until_it_is_told(log: Log) -> None:
    log.append(b"before\n")
    ended = threading.Event()
    threading.Timer(0.1, lambda: (log.append(b"after\n"), ended.set())).start()
    lines = [line for batch in log.tail(until=ended.is_set) for line in batch.lines]
    assert lines == [b"before", b"after"]


def test_follow_yields_what_is_there_and_what_comes(log: Log) -> None:
    async def collect() -> list[bytes]:
        lines: list[bytes] = []
        asyncio.get_running_loop().call_later(0.1, log.append, b"after\n")
        async for batch in log.follow():
            lines += batch.lines
            if len(lines) == 2:
                break
        return lines

    log.append(b"before\n")
    assert asyncio.run(collect()) == [b"before", b"after"]
