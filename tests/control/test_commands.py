"""What a command may be."""

from __future__ import annotations

import math
from typing import Any

import pytest

import livecb
from livecb.control.commands import ask, decode, log_of, wish
from livecb.errors import CommandRefused
from livecb.store import Store


@pytest.mark.parametrize(
    ("name", "value", "parameter"),
    [
        ("dance", None, None),
        ("set", 1.0, None),
        ("set", None, "lr"),
        ("set", math.nan, "lr"),
        ("set", [1], "lr"),
        ("pause", None, "lr"),
        ("pause", 0, None),
        ("pause", "long", None),
        ("stop", 3, None),
        ("drop", None, None),
        ("add", "", None),
        ("skip", 3, None),
        ("drop", "svm", "lr"),
    ],
)
def test_what_is_no_command_is_refused(name: str, value: Any, parameter: str | None) -> None:
    with pytest.raises(CommandRefused):
        wish(name, value, parameter=parameter)


def test_a_command_is_one_line_of_the_runs_second_log(run: livecb.Run, store: Store) -> None:
    asked = wish("set", 0.5, parameter="lr", by="ada", within=60)
    ask(store.run(run.id), asked)
    (line,) = log_of(store.run(run.id)).read().lines
    assert decode(line) == asked
    assert asked.expires is not None
    assert 59 < asked.expires - asked.time <= 60


def test_nothing_is_asked_of_a_run_that_has_ended(run: livecb.Run, store: Store) -> None:
    run.finish()
    with pytest.raises(CommandRefused, match="has ended"):
        ask(store.run(run.id), wish("stop"))
    assert not (store.run(run.id).folder / "commands.jsonl").exists()


def test_a_line_that_is_no_command_is_named() -> None:
    with pytest.raises(CommandRefused, match="not a command"):
        decode(b'{"name": 3}')
