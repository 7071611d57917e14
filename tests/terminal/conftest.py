"""Runs to be watched in a terminal."""

from __future__ import annotations

import pytest

import livecb
from livecb.store import Store
from livecb.terminal.source import Source, Stored


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look as often as may be: what a person would hardly notice costs each test seconds."""
    monkeypatch.setattr("livecb.terminal.screen._SHARE", 1.0)
    monkeypatch.setattr("livecb.terminal.screen._PAUSES", (0.05, 0.2))


@pytest.fixture
def trained(run: livecb.Run) -> livecb.Run:
    """A run with two charts, a log, and an end to come."""
    for step in range(1, 101):
        run.log({"train/loss": 1 / step, "lr": 0.1}, step=step)
        if step % 10 == 0:
            run.log({"val/loss": 1.5 / step}, step=step)
    run.text("the hundredth step")
    return run


@pytest.fixture
def source(trained: livecb.Run, store: Store) -> Source:
    return Stored(store.run(trained.id))
