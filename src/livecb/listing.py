"""Listing: a row for each run of a store, without a server.

A long log is not read whole for its row: its beginning says what the run is, and its end how it
stands.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from livecb.events import decode_lines
from livecb.logs.base import START
from livecb.logs.file import FileLog
from livecb.lookup import by_last_write
from livecb.state import State
from livecb.store import Store, StoredRun
from livecb.text import format_duration, format_number, format_percent, format_table, plural

__all__ = ["HEAD", "cells", "lines", "rows"]

HEAD = ("RUN", "NAME", "STATUS", "PROGRESS", "UPDATED", "LAST VALUES")
_LEAST = (15, 6, 9, 8, 10, 11)  # so that 60 columns hold all but the values

_WHOLE = 4 << 20  # bytes of a log that is read whole
_END = 256 << 10
_LINES = 2000
_METRICS = 3


def rows(store: Store, most: int) -> list[dict[str, Any]]:
    """Return the rows of the HTTP API for the runs written last, newest first.

    Raises:
        StoreError: The store cannot be read.
    """
    found = [_row(run) for run in by_last_write(store)[:most]]
    return sorted(found, key=lambda row: (row["started"] or 0.0, row["run"]), reverse=True)


def cells(row: dict[str, Any], now: float) -> list[str]:
    """Return a row as the cells under `HEAD`."""
    progress, metrics = row["progress"], list(row["metrics"].items())[:_METRICS]
    at = row["updated"]
    return [
        row["run"],
        row["name"] if row["name"] != row["run"] else "",
        row["status"],
        _progress(progress) if progress else "-",
        "-" if at is None else f"{format_duration(now - at)} ago",
        "  ".join(f"{name} {format_number(latest['value'])}" for name, latest in metrics) or "-",
    ]


def lines(rows: Sequence[dict[str, Any]], now: float, width: int | None = None) -> list[str]:
    """Return rows as a table with a head, no line longer than a width if one is given."""
    return format_table(HEAD, (cells(row, now) for row in rows), width, _LEAST)


def _row(run: StoredRun) -> dict[str, Any]:
    alive = run.alive()
    words = "" if alive else run.last_words()
    return _fold(run).row(alive=alive, now=time.time(), last_words=words, labels=run.labels)


def _progress(progress: dict[str, Any]) -> str:
    if progress["fraction"] is None:
        return f"{format_number(progress['done'])} {plural(progress['unit'])}"
    part = format_percent(progress["fraction"])
    return part if progress["left"] is None else f"{part}, {format_duration(progress['left'])} left"


def _fold(run: StoredRun) -> State:
    state, path = State(run.id), run.part_path()
    log, size = FileLog(path), path.stat().st_size
    cursor = START
    if size > _WHOLE:
        state.feed(decode_lines(list(log.read(limit=20).lines)))
        cursor = _line_after(path, size - _END)
    while (batch := log.read(cursor, _LINES)).lines:
        state.feed(decode_lines(list(batch.lines)))
        cursor = batch.cursor
    return state


def _line_after(path: Any, at: int) -> str:
    with open(path, "rb") as file:
        file.seek(at)
        skipped = file.readline()
    return str(at + len(skipped))
