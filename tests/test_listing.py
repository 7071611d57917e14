"""Rows without a server."""

import os

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
            run.id, "mlp", "running", "25%, 1 min 30 s left", "train/loss 0.5", "1 min 00 s ago",
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
