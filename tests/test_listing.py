"""Rows without a server."""

import os

import pytest

import livecb
from livecb import listing
from livecb.events import type_of


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


def test_what_workers_recorded_counts(store, tmp_path):
    with recorded("search") as run:
        run.progress(3, 180, unit="fold")
    (stored,) = [store.run(each) for each in store.run_ids()]
    with recorded("worker", dir=tmp_path / "elsewhere") as worker:
        worker.progress(112, 180, unit="fold")
        worker.model_completed("forest", scores={"score": 0.9}, params={"depth": 3})
        worker.model_completed("tree", scores={"score": 0.8}, params={"depth": 5})
    lines = (worker.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    told = [line for line in lines if type_of(line) in ("progress", "model_completed")]
    stored.part_path("p7").write_bytes(b"".join(told))
    (row,) = listing.rows(store, 9)
    assert listing.cells(row, 0.0)[2:4] == ["completed", "62%"]
    assert listing.cells(row, 0.0)[5] == "best forest: score 0.9  train/loss 0.5"


def test_the_run_whose_worker_wrote_last_is_the_latest(store):
    for name in ("first", "second"):
        recorded(name).finish()
    first, second = (store.run(each) for each in store.run_ids())
    first.part_path("p7").touch()
    os.utime(first.part_path(), (1000, 1000))
    os.utime(second.part_path(), (2000, 2000))
    assert listing.rows(store, 1)[0]["run"] == first.id
    os.utime(first.part_path("p7"), (1500, 1500))
    assert listing.rows(store, 1)[0]["run"] == second.id


def test_beside_the_best_of_many_only_what_has_a_better_is_told(store):
    with recorded("study") as run:
        run.log({"intermediate/trial 0": 0.3}, step=1)
        run.model_completed("trial 0", scores={"value": 0.3}, goal="min")
        run.model_completed("trial 1", scores={"value": float("nan")}, goal="min")
        run.model_completed("trial 2", ok=False, reason="pruned at step 0")
    (row,) = listing.rows(store, 9)
    assert row["best"] == {"name": "trial 0", "score": "value", "value": 0.3}
    assert listing.cells(row, 0.0)[5] == "best trial 0: value 0.3  train/loss 0.5"


def test_of_a_log_too_long_to_read_no_best_is_told(store, monkeypatch):
    with recorded("long") as run:
        run.model_completed("tree", scores={"score": 0.8})
    monkeypatch.setattr(listing, "_WHOLE", 10)
    (row,) = listing.rows(store, 9)
    assert row["best"] is None
    assert row["metrics"]["train/loss"]["value"] == 0.5


def test_what_was_lost_is_told_and_what_was_skipped_of_a_long_log_is_not(store, monkeypatch):
    with recorded("full disk") as run:
        for step in range(60):
            run.log({"train/loss": 0.5}, step=step)
    path = run.folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    (row,) = listing.rows(store, 9)
    assert row["lost"] == 0
    assert listing.cells(row, 0.0)[2] == "completed"
    path.write_bytes(b"".join(lines[:30] + lines[33:]))
    (row,) = listing.rows(store, 9)
    assert listing.cells(row, 0.0)[2] == "completed, 3 lost"
    monkeypatch.setattr(listing, "_WHOLE", 10)
    monkeypatch.setattr(listing, "_END", 1000)
    (row,) = listing.rows(store, 9)
    assert row["lost"] == 0
    end = lines[-1].replace(b'"status":"completed"', b'"status":"completed","lost":7')
    path.write_bytes(b"".join([*lines[:-1], end]))
    (row,) = listing.rows(store, 9)
    assert listing.cells(row, 0.0)[2] == "completed, 7 lost"
