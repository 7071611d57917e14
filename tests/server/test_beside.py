"""Answers beside the log: a server that starts anew gives them without folding, and never what is out of date."""

from __future__ import annotations

import asyncio
import time
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
        folded = found.known(run) is not None
        found.close()
        return [answers[0].partition(b'"now":')[0], *answers[1:]], folded

    return asyncio.run(asking())


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


def test_of_many_questions_the_last_are_kept(store: Store, over: Writer) -> None:
    mark = Marked(mark_of(over.run))
    for number in range(20):
        asked: tuple[Any, ...] = ("series", number)
        beside.put(over.run, asked, mark, b"%d" % number)
        time.sleep(0.002)  # else files would be equally old
    assert len(kept(over.run)) == 6
    held = [beside.get(over.run, ("series", number), mark) for number in range(20)]
    assert held == [None] * 14 + [b"%d" % number for number in range(14, 20)]


def test_a_store_that_can_only_be_read_is_answered_from(
    store: Store, over: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, data: bytes) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)  # as root writes wherever it likes
    assert ask(store, over.run.id)[0][1]
    assert kept(over.run) == []
