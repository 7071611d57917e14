"""The list of runs: every run a row, pushed when it changes, cheap when nothing does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from watching import Served, Writer, client_of, take, until

from livecb.server import board, launch
from livecb.server.hub import Hub
from livecb.server.kept import mark_of
from livecb.server.pace import Pace
from livecb.state import State
from livecb.store import APPENDED, Store


def test_every_run_has_a_row_newest_first(served: Served, store: Store) -> None:
    for day in (1, 2, 3):
        Writer(store, f"2026010{day}-000000-a-run").start(project="p").metrics(3).end()
    rows = served.get("api/runs")["runs"]
    assert [row["run"][:8] for row in rows] == ["20260103", "20260102", "20260101"]
    assert {row["status"] for row in rows} == {"completed"}
    assert rows[0]["metrics"]["train/loss"]["value"] == 1 / 4
    assert rows[0].keys() >= set(
        "run name project status phase framework started updated ended attempt progress metrics tags".split()
    )


def test_runs_stand_by_when_they_began_whatever_they_are_called(served: Served, store: Store) -> None:
    for began, name in enumerate(["my-run", "20260102-000000-later", "a-run"]):
        writer = Writer(store, name)
        writer.seq = began  # its clock
        writer.start()
    names = ["a-run", "20260102-000000-later", "my-run"]
    assert [row["run"] for row in served.get("api/runs")["runs"]] == names
    with served.stream("api/runs") as stream:
        assert [row["run"] for row in take(stream, 1, "runs")[0].json["runs"]] == names


def test_an_empty_or_missing_store_has_no_runs(served: Served, store: Store) -> None:
    assert served.get("api/runs")["runs"] == []
    shutil.rmtree(store.root, ignore_errors=True)
    assert served.get("api/runs")["runs"] == []


def test_what_changes_is_pushed_and_nothing_else(served: Served, store: Store, writer: Writer) -> None:
    Writer(store, "20250101-000000-old").start().end()
    with served.stream("api/runs") as stream:
        assert len(take(stream, 1, "runs")[0].json["runs"]) == 2
        writer.metrics(1)
        rows = take(stream, 1, "runs")[0].json["runs"]
        assert [row["run"] for row in rows] == [writer.run.id]
        Writer(store, "20270101-000000-new").start()
        rows = take(stream, 1, "runs")[0].json["runs"]
        assert [row["run"] for row in rows] == ["20270101-000000-new"]
        shutil.rmtree(store.root / "20250101-000000-old")
        assert take(stream, 1, "gone")[0].json == {"run": "20250101-000000-old"}


def test_a_new_name_changes_the_row(served: Served, writer: Writer) -> None:
    with served.stream("api/runs") as stream:
        take(stream, 1, "runs")
        writer.run.label(name="another name", tags=["best"])
        row = take(stream, 1, "runs")[0].json["runs"][0]
    assert row["name"] == "another name"
    assert row["tags"] == ["best"]


def test_the_row_of_a_run_that_is_over_is_kept_for_the_next_server(store: Store) -> None:
    writer = Writer(store).start().metrics(3).end()
    path = writer.run.folder / ".row.json"
    first = rows_of(store)
    kept = msgspec.json.decode(path.read_bytes())
    kept["row"]["name"] = "as it was kept"
    path.write_bytes(msgspec.json.encode(kept))
    assert rows_of(store)[0]["name"] == "as it was kept"
    writer.start(attempt=2)
    assert rows_of(store)[0]["name"] == first[0]["name"]


def rows_of(store: Store) -> list[dict[str, object]]:
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    try:
        return list(served.get("api/runs")["runs"])
    finally:
        served.client.close()
        server.stop()


@pytest.mark.parametrize("content", [b"", b"{", b'{"version":"0.1.0","mark":3,"row":{}}'])
def test_a_kept_row_that_is_broken_is_made_anew(store: Store, content: bytes) -> None:
    writer = Writer(store).start().end()
    (writer.run.folder / ".row.json").write_bytes(content)
    assert rows_of(store)[0]["status"] == "completed"


def test_a_run_that_cannot_be_read_does_not_hide_the_others(served: Served, store: Store) -> None:
    Writer(store, "20260101-000000-fine").start().end()
    odd = Writer(store, "20260102-000000-odd").run
    odd.part_path().mkdir()
    until(lambda: "20260101-000000-fine" in [row["run"] for row in served.get("api/runs")["runs"]])


def test_a_mark_changes_with_the_log_and_the_labels(store: Store) -> None:
    writer = Writer(store).start()
    marks = [mark_of(writer.run)]
    writer.metrics(1)
    marks.append(mark_of(writer.run))
    writer.run.label(name="x")
    marks.append(mark_of(writer.run))
    Writer(store, part="1").metrics(1)
    marks.append(mark_of(writer.run))
    assert len(set(marks)) == 4


def test_a_long_log_has_a_row_before_it_was_folded(
    served: Served, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(board, "_GLANCE", 500)
    writer = Writer(store).start().metrics(1000).end()
    row = served.get("api/runs")["runs"][0]
    assert row["status"] == "completed"
    assert row["name"] == "a run"
    assert row["metrics"]["train/loss"]["step"] == 1000
    assert not (writer.run.folder / ".row.json").exists()
    monkeypatch.setattr(board, "_LOOK_SECONDS", 10.0)
    until(lambda: served.get("api/runs") and (writer.run.folder / ".row.json").exists())


class Looking:
    """A hub whose list is looked at by hand."""

    def __init__(self, store: Store) -> None:
        self.hub = Hub(store, Pace(rows=0.0))
        self.board = board.Board(self.hub)

    async def rows(self) -> dict[str, dict[str, Any]]:
        await self.board.refresh()
        return {row["run"]: row for row in self.board.since(0)[0]}

    @contextlib.asynccontextmanager
    async def waiting(self, run: str) -> AsyncIterator[None]:
        """Somebody waits for a run that takes long to fold."""
        gate = threading.Event()
        asking = asyncio.create_task(self.hub.indexes.ask(run, lambda state, cursor: gate.wait(30)))
        while not self.hub.indexes.busy:
            await asyncio.sleep(0)
        try:
            yield
        finally:
            gate.set()
            await asking


def test_while_somebody_waits_for_a_long_log_the_other_rows_go_on(store: Store) -> None:
    big = Writer(store, "20260101-000000-big").start()
    other = Writer(store, "20260102-000000-other").live().start()

    async def look() -> None:
        looking = Looking(store)
        assert (await looking.rows())[other.run.id]["status"] == "running"
        async with looking.waiting(big.run.id):
            other.end()
            new = Writer(store, "20260103-000000-new").live().start().metrics(3)
            rows = await looking.rows()
            assert rows[other.run.id]["status"] == "completed"
            assert rows[new.run.id]["metrics"]["train/loss"]["step"] == 3
            new.metrics(3)
            assert (await looking.rows())[new.run.id]["metrics"]["train/loss"]["step"] == 6
        looking.hub.close()

    asyncio.run(look())
    other.die()


def test_a_row_that_is_far_behind_shows_how_far_it_came(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.server.index._LINES", 10)
    big = Writer(store, "20260101-000000-big").start()
    other = Writer(store, "20260102-000000-other").live().start()

    async def look() -> list[int]:
        looking = Looking(store)
        await looking.rows()
        other.metrics(35)
        async with looking.waiting(big.run.id):
            seen = [await looking.rows() for _ in range(4)]
        looking.hub.close()
        return [rows[other.run.id]["metrics"]["train/loss"]["step"] for rows in seen]

    assert asyncio.run(look()) == [10, 20, 30, 35]
    other.die()


def test_a_run_elsewhere_that_is_heard_of_again_is_no_longer_crashed(store: Store) -> None:
    run = Writer(store).start().run
    (run.folder / APPENDED).touch()
    os.utime(run.folder / APPENDED, (0, 0))

    async def look() -> list[str]:
        looking = Looking(store)
        before = await looking.rows()
        os.utime(run.folder / APPENDED)  # what an empty append does
        after = await looking.rows()
        looking.hub.close()
        return [before[run.id]["status"], after[run.id]["status"]]

    assert asyncio.run(look()) == ["crashed", "running"]


def test_a_full_disk_has_no_halves_of_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Writer(store).start().end().run
    before = sorted(run.folder.iterdir())

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def look() -> None:
        looking = Looking(store)
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", refuse)
            assert (await looking.rows())[run.id]["status"] == "completed"
        looking.hub.close()

    asyncio.run(look())
    assert sorted(run.folder.iterdir()) == before


def test_many_runs_that_are_over_are_looked_at_in_no_time(served: Served, store: Store) -> None:
    for number in range(200):
        Writer(store, f"20260101-{number:06}-a-run").start().end()
    assert len(served.get("api/runs")["runs"]) == 200
    path = store.root / "20260101-000000-a-run" / ".row.json"
    until(lambda: served.get("api/runs") and path.exists())  # the oldest, whose turn comes last
    first = path.stat()
    until(lambda: served.get("api/runs")["now"] > first.st_mtime + 1.5)
    assert path.stat().st_mtime_ns == first.st_mtime_ns


def test_a_run_that_cannot_be_folded_hides_no_other(
    served: Served,
    store: Store,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = Writer(store, "20250101-000000-bad").start()
    feed = State.feed

    def fail(self: State, *args: Any, **kwargs: Any) -> None:
        if self.run == bad.run.id:
            raise OverflowError("too large")
        feed(self, *args, **kwargs)

    monkeypatch.setattr(State, "feed", fail)
    with served.stream("api/runs") as stream:
        rows = {row["run"]: row for row in take(stream, 1, "runs")[0].json["runs"]}
        assert rows[writer.run.id]["status"] == "running"
        assert "too large" in rows[bad.run.id]["error"]
        assert "status" in rows[bad.run.id]
        bad.metrics(1)
        writer.metrics(1)
        assert take(stream, 1, "runs")[0].json["runs"][0]["run"] == writer.run.id
        assert caplog.text.count("cannot fold the log") == 1
        monkeypatch.undo()
        bad.metrics(1)
        row = until(
            lambda: next((r for r in take(stream, 1, "runs")[0].json["runs"] if r["run"] == bad.run.id), None)
        )
        assert "error" not in row
