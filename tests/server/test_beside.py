"""Answers beside the log: a server that starts anew gives them without folding, and never what is out of date."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from watching import Writer

from livecb.server import beside, indexes
from livecb.server.beside import Marked
from livecb.server.indexes import Indexes
from livecb.server.kept import mark_of
from livecb.store import Store, StoredRun

QUERY = {"names": None, "x": "step", "points": 100, "start": None, "end": None}


@pytest.fixture
def over(store: Store, monkeypatch: pytest.MonkeyPatch) -> Writer:
    """A run that is over, whose log counts as large."""
    monkeypatch.setattr(indexes, "_LARGE", 100)
    return Writer(store).start().metrics(1000).end()


def ask(store: Store, run: str) -> tuple[list[bytes], bool]:
    """Ask a new server what a page asks first; return the answers, and whether it folded the log."""

    async def asking() -> tuple[list[bytes], bool]:
        found = Indexes(store)
        answers = [await found.state(run, False), await found.series(run, **QUERY), await found.marks(run)]
        await written()
        folded = found.known(run) is not None
        found.close()
        return [answers[0].partition(b'"now":')[0], *answers[1:]], folded

    return asyncio.run(asking())


async def written() -> None:
    """Wait for what is put beside a log after the answer was given."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def kept(run: StoredRun) -> list[Path]:
    return sorted(run.folder.glob(".answer-*"))


def test_the_next_server_answers_without_folding(store: Store, over: Writer) -> None:
    first, folded = ask(store, over.run.id)
    assert folded
    again, folded = ask(store, over.run.id)
    assert not folded
    assert again == first
    assert b'"count":1000' in again[1]


def test_what_was_written_since_is_in_the_answer(store: Store, over: Writer) -> None:
    before, _ = ask(store, over.run.id)
    over.metrics(5)
    after, folded = ask(store, over.run.id)
    assert folded
    assert after[1] != before[1]
    over.run.label(name="another name")
    assert b"another name" in ask(store, over.run.id)[0][0]


def test_a_run_that_goes_on_has_nothing_beside_its_log(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "_LARGE", 100)
    writer = Writer(store).live().start().metrics(10)
    ask(store, writer.run.id)
    assert kept(writer.run) == []
    writer.die()
    ask(store, writer.run.id)
    assert len(kept(writer.run)) == 3


def test_what_is_folded_in_no_time_is_not_kept(store: Store) -> None:
    writer = Writer(store).start().metrics(10).end()
    ask(store, writer.run.id)
    assert kept(writer.run) == []


@pytest.mark.parametrize("content", [b"", b"{", b'["0.1.0+1",[],""]\n{}', b"\xff\n{}"])
def test_what_is_broken_is_as_if_it_were_not_there(store: Store, over: Writer, content: bytes) -> None:
    first, _ = ask(store, over.run.id)
    for path in kept(over.run):
        path.write_bytes(content)
    again, folded = ask(store, over.run.id)
    assert folded
    assert again == first


@pytest.mark.parametrize("cut", [slice(-1), slice(-200, None), slice(0)])
def test_an_answer_that_was_cut_short_is_as_if_it_were_not_there(
    store: Store, over: Writer, cut: slice
) -> None:
    first, _ = ask(store, over.run.id)
    for path in kept(over.run):
        head, _, answer = path.read_bytes().partition(b"\n")
        path.write_bytes(head + b"\n" + answer[cut])
    again, folded = ask(store, over.run.id)
    assert folded
    assert again == first


def put(run: StoredRun, number: int, when: float) -> None:
    """Put an answer beside a log as if it were then."""
    before = set(kept(run))
    beside.put(run, ("series", number), Marked(mark_of(run)), b"%d" % number)
    for path in set(kept(run)) - before:
        os.utime(path, (when, when))


def held(run: StoredRun) -> list[int]:
    """Return to which questions there is an answer, without asking them."""
    return sorted(int(path.read_bytes().partition(b"\n")[2]) for path in kept(run))


def test_of_many_questions_the_last_are_kept(store: Store, over: Writer) -> None:
    for number in range(20):
        put(over.run, number, 1000.0 + number)
    assert held(over.run) == [*range(14, 20)]


def test_what_is_asked_for_again_stays(store: Store, over: Writer) -> None:
    for number in range(6):
        put(over.run, number, 1000.0 + number)
    assert beside.get(over.run, ("series", 0), Marked(mark_of(over.run))) == b"0"
    put(over.run, 6, 1006.0)
    assert held(over.run) == [0, 2, 3, 4, 5, 6]


def test_an_answer_that_is_too_large_for_memory_is_not_kept_beside_the_log_either(
    store: Store, over: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_LARGEST", 1)
    put(over.run, 1, 1000.0)
    put(over.run, 10, 1000.0)
    assert held(over.run) == [1]


def test_nothing_is_put_beside_a_log_that_is_gone_or_has_grown(store: Store, over: Writer) -> None:
    mark = Marked(mark_of(over.run))
    over.metrics(1)
    beside.put(over.run, ("series",), mark, b"{}")
    assert kept(over.run) == []
    mark = Marked(mark_of(over.run))
    shutil.rmtree(over.run.folder)
    beside.put(over.run, ("series",), mark, b"{}")
    assert not over.run.folder.exists()


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_keeps_what_it_has_and_no_halves(
    store: Store, over: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        put(over.run, number, 1000.0 + number)
    before = sorted(over.run.folder.iterdir())
    monkeypatch.setattr(os, "replace", refuse)
    put(over.run, 6, 1006.0)
    assert sorted(over.run.folder.iterdir()) == before


def test_what_a_killed_server_left_half_written_is_removed(store: Store, over: Writer) -> None:
    folder = over.run.folder
    halves = [".answer-0123456789abcdef.json.77", "..answer-0123456789abcdef.json.7.0a1b", ".row.json.77"]
    for name in [*halves, ".notes.json.77", ".row.json.78"]:
        (folder / name).touch()
        os.utime(folder / name, (1000.0, 1000.0))
    os.utime(folder / ".row.json.78")  # by one that lives
    put(over.run, 1, 1000.0)
    assert [name for name in halves if (folder / name).exists()] == []
    assert (folder / ".notes.json.77").exists()
    assert (folder / ".row.json.78").exists()


def test_a_store_that_can_only_be_read_is_answered_from(
    store: Store, over: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", refuse)  # as root writes wherever it likes
    assert ask(store, over.run.id)[0][1]
    assert kept(over.run) == []
    monkeypatch.undo()
    monkeypatch.setattr(indexes, "_LARGE", 100)
    first, _ = ask(store, over.run.id)
    monkeypatch.setattr(os, "utime", refuse)
    assert ask(store, over.run.id) == (first, False)


def test_who_asks_does_not_wait_for_what_is_put_beside_the_log(
    store: Store, over: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, slow = beside.put, threading.Event()

    def slowly(*arguments: Any) -> None:
        assert slow.wait(30)
        put(*arguments)

    monkeypatch.setattr(beside, "put", slowly)

    async def asking() -> None:
        found = Indexes(store)
        await asyncio.wait_for(found.state(over.run.id, False), 10)
        await asyncio.wait_for(found.marks(over.run.id), 10)
        assert kept(over.run) == []
        slow.set()
        await written()
        assert len(kept(over.run)) == 2
        found.close()

    asyncio.run(asking())


def test_a_server_that_stops_while_it_puts_an_answer_beside_a_log_says_nothing(
    store: Store, over: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    async def asking() -> None:
        found = Indexes(store)
        await found.marks(over.run.id)
        found.close()
        await written()

    asyncio.run(asking())
    assert caplog.text == ""
