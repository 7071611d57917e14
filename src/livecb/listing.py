"""Listing: a row for each run of a store, without a server.

A long log is not read whole for its row: its beginning says what the run is, and its end how it
stands. All parts of a log count: those of other ranks, and those of a search's workers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livecb import names
from livecb.events import decode_lines
from livecb.logs.base import START
from livecb.logs.file import FileLog
from livecb.lookup import by_last_write
from livecb.state import State
from livecb.store import Store, StoredRun
from livecb.strict import json_ready
from livecb.text import format_duration, format_number, format_percent, format_table, plural

__all__ = ["HEAD", "cells", "lines", "row", "rows"]

HEAD = ("RUN", "NAME", "STATUS", "PROGRESS", "UPDATED", "LAST VALUES")
_LEAST = (15, 6, 9, 8, 10, 11)  # so that 60 columns hold all but the values

_WHOLE = 4 << 20  # bytes of a log that is read whole
_END = 256 << 10
_FIRST = 20  # lines
_LINES = 2000
_METRICS = 3


def rows(store: Store, most: int) -> list[dict[str, Any]]:
    """Return the rows of the HTTP API for the runs written last, newest first.

    Each has two things more. `best`: the leaderboard's best candidate so far as `name`, `score` and
    `value`, None if there is none, or if the log is too long to read all candidates. `lost`: how many events
    were said and cannot be read; of a log too long to read, those that its end tells of.

    Raises:
        StoreError: The store cannot be read.
    """
    found = [row(run) for run in by_last_write(store)[:most]]
    return sorted(found, key=lambda each: (each["started"] or 0.0, each["run"]), reverse=True)


def cells(row: dict[str, Any], now: float) -> list[str]:
    """Return a row as the cells under `HEAD`."""
    progress, at = row["progress"], row["updated"]
    return [
        row["run"],
        row["name"] if row["name"] != row["run"] else "",
        row["status"] + (f", {row['lost']:,} lost" if row["lost"] else ""),
        _progress(progress) if progress else "-",
        "-" if at is None else f"{format_duration(now - at)} ago",
        "  ".join(_values(row)) or "-",
    ]


def lines(rows: Sequence[dict[str, Any]], now: float, width: int | None = None) -> list[str]:
    """Return rows as a table with a head, no line longer than a width if one is given."""
    return format_table(HEAD, (cells(row, now) for row in rows), width, _LEAST)


def row(run: StoredRun) -> dict[str, Any]:
    """Return the row of one run; see `rows`."""
    alive = run.alive()
    words = "" if alive else run.last_words()
    state, whole = _fold(run)
    said = state.row(alive=alive, now=time.time(), last_words=words, labels=run.labels)
    # What was skipped of a long log is no gap.
    lost = state.tally.lost(state.attempt.lost) if whole else state.attempt.lost
    return {**said, "best": _best(state) if whole else None, "lost": lost}


def _best(state: State) -> dict[str, Any] | None:
    first = next(iter(state.leaderboard.ranked()), None)
    if first is None or not first.ok or not first.scores:
        return None
    score, value = next(iter(json_ready(first.scores).items()))
    return {"name": first.name, "score": score, "value": value}


def _values(row: dict[str, Any]) -> list[str]:
    """Return what tells most; beside the best of many candidates, what single ones reached says little."""
    best, metrics = row["best"], list(row["metrics"].items())
    told = [f"best {best['name']}: {best['score']} {format_number(best['value'])}"] if best else []
    for name, latest in metrics:
        if not best or names.goal(name):
            told.append(f"{name} {format_number(latest['value'])}")
    return told[:_METRICS]


def _progress(progress: dict[str, Any]) -> str:
    if progress["fraction"] is None:
        return f"{format_number(progress['done'])} {plural(progress['unit'])}"
    part = format_percent(progress["fraction"])
    return part if progress["left"] is None else f"{part}, {format_duration(progress['left'])} left"


def _fold(run: StoredRun) -> tuple[State, bool]:
    """Return the fold of a run, and whether it is that of all its events."""
    state = State(run.id)
    paths = [run.part_path(name) for name in run.part_names()]
    sizes = [path.stat().st_size for path in paths]
    whole = sum(sizes) <= _WHOLE
    for path, size in zip(paths, sizes, strict=True):
        log, cursor = FileLog(path), START
        if not whole and size > _END:
            state.feed(decode_lines(list(log.read(limit=_FIRST).lines)))
            cursor = _line_after(path, size - _END)
        while (batch := log.read(cursor, _LINES)).lines:
            state.feed(decode_lines(list(batch.lines)))
            cursor = batch.cursor
    return state, whole


def _line_after(path: Path, at: int) -> str:
    with open(path, "rb") as file:
        file.seek(at)
        skipped = file.readline()
    return str(at + len(skipped))
