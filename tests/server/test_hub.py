"""What takes long for one of those who ask holds up none of the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from watching import Served, Writer, until

from livecb import events as ev
from livecb.server.export import rows_of
from livecb.server.search import lines_of


class Gate:
    """Work that takes as long as a test wants."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work, self.open, self.waiting = work, threading.Event(), 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.waiting += 1
        assert self.open.wait(60)
        return self.work(*args, **kwargs)


@contextmanager
def asked(served: Served, gate: Gate, path: str, **query: str) -> Iterator[None]:
    """Ask three times for what does not come before the block is left."""
    with ThreadPoolExecutor(3) as people:
        answers = [people.submit(served.client.get, path, params=query) for _ in range(3)]
        try:
            until(lambda: gate.waiting >= 2)
            time.sleep(0.05)  # the third has come, too
            yield
        finally:
            gate.open.set()
        assert {answer.result().status_code for answer in answers} == {200}


def others_go_on(served: Served, writer: Writer) -> None:
    """See that what others ask is answered: a training's events, a note, and a long answer as gzip."""
    line = ev.encode(ev.RunStarted(seq=0, time=1.0, version=ev.VERSION, run="far", name="far")) + b"\n"
    sent = {"content": line, "headers": {"content-type": "application/x-ndjson"}, "timeout": 5}
    assert served.client.post("api/runs/far/events?at=0", **sent).status_code == 200
    note = served.client.post(f"api/runs/{writer.run.id}/notes", json={"text": "look"}, timeout=5)
    assert note.status_code == 201
    long = served.client.get(f"api/runs/{writer.run.id}/events", timeout=5)
    assert len(long.content) > 64 << 10
    assert long.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_exports_hold_up_neither_answers_nor_what_a_training_sends(
    apart: Served, writer: Writer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    writer.metrics(3000)
    gate = Gate(rows_of)
    monkeypatch.setattr("livecb.server.export.rows_of", gate)
    with asked(apart, gate, f"api/runs/{writer.run.id}/export", format=kind):
        others_go_on(apart, writer)
        assert apart.client.get(f"api/runs/{writer.run.id}/logs", timeout=5).status_code == 200


def test_who_seeks_in_long_logs_holds_up_nobody_else(
    apart: Served, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.metrics(3000)
    gate = Gate(lines_of)
    monkeypatch.setattr("livecb.server.search.lines_of", gate)
    with asked(apart, gate, f"api/runs/{writer.run.id}/logs", search="nothing"):
        others_go_on(apart, writer)
        answer = apart.client.get(f"api/runs/{writer.run.id}/export", timeout=5)
        assert answer.status_code == 200
