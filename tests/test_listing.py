"""Rows without a server."""

import os

import pytest

import livecb
from livecb import listing


def recorded(name, **more):
    run = livecb.init(name=name, sinks=[], capture=None, system_interval=0, **more)
    run.log({"train/loss": 0.5}, step=3)
    return run


def test_runs_are_listed_newest_first_and_those_written_last_are_chosen(store):
    for at, name in enumerate(["first", "second", "third"]):
        run = recorded(name)
        run.finish()
        os.utime(run.folder / "events.jsonl", (1000 + at, 1000 + at))
    assert [row["name"] for row in listing.rows(store, 2)] == ["third", "second"]


def test_a_row_is_readable(store):
    with recorded("mlp") as run:
        run.progress(3, 12, unit="batch", left=90)
        (row,) = listing.rows(store, 9)
        assert listing.cells(row, row["updated"] + 60) == [
            run.id, "mlp", "running", "25%, 1 min 30 s left", "1 min 00 s ago", "train/loss 0.5",
        ]  # fmt: skip


def test_what_is_not_known_is_a_dash(store):
    run = store.create("empty")
    run.part_path().touch()
    (row,) = listing.rows(store, 9)
    assert listing.cells(row, 0.0) == ["empty", "", "starting", "-", "-", "-"]


def test_without_a_total_the_units_are_counted(store):
    with recorded("mlp") as run:
        run.progress(7, unit="batch")
        (row,) = listing.rows(store, 9)
    assert listing.cells(row, 0.0)[3] == "7 batches"


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_no_line_is_longer_than_the_terminal_is_wide(store, width):
    with recorded("a-name-that-is-far-too-long-for-a-narrow-terminal-and-most-others") as run:
        run.progress(3, 12, unit="batch", left=90)
        rows = listing.rows(store, 9)
        head, line = listing.lines(rows, rows[0]["updated"] + 60, width)
    assert len(head) <= width
    assert len(line) <= width
    assert run.id[-14:] in line
    assert "…" in line
    assert ("running" in line) == (width > 20)


def test_without_a_width_nothing_is_cut(store):
    with recorded("a-name-that-is-far-too-long-for-a-narrow-terminal-and-most-others") as run:
        line = listing.lines(listing.rows(store, 9), 0.0)[1]
    assert run.id in line
    assert run.name in line
