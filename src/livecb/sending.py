"""Sending: to ask something of a run, and to wait for what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from livecb import events as ev
from livecb.control.commands import OF_CANDIDATES, Asked, ask, check_heard, wish
from livecb.errors import CommandRefused
from livecb.events import decode_lines, type_of
from livecb.logs.base import START
from livecb.steering import Steering, why_not
from livecb.store import StoredRun

__all__ = ["check", "send", "wishes"]

_LOOK_SECONDS = 0.05
_TELLING = frozenset({"run_started", "controls"})


def wishes(words: Sequence[str], by: str | None = None, seconds: float | None = None) -> list[Asked]:
    """Return what a person asks in words: `["pause"]`, `["drop", "svm"]`, `["set", "lr=0.001", "mix=0.7"]`.

    Args:
        words: The command, and what follows it.
        by: Who asks.
        seconds: After which a pause ends by itself.

    Raises:
        CommandRefused: It is no command.
    """
    name, *values = words
    if seconds is not None and name != "pause":
        raise CommandRefused(f"{name} lasts no time: a number of seconds is for pause")
    if name in OF_CANDIDATES:
        return [wish(name, " ".join(values) or None, by=by)]
    if name != "set":
        if values:
            raise CommandRefused(f"expected nothing after {name}, got {' '.join(values)!r}")
        return [wish(name, seconds, by=by)]
    pairs = [word.partition("=") for word in values]
    if not pairs or not all(key and mark and value for key, mark, value in pairs):
        raise CommandRefused(f"expected set NAME=VALUE, such as set lr=0.001, got {' '.join(words)!r}")
    return [wish("set", _value(value), parameter=key, by=by) for key, _, value in pairs]


def _value(word: str) -> float | bool | str:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        return float(word)
    except ValueError:
        return word


def check(run: StoredRun, asked: Asked) -> None:
    """See whether a run says that it obeys a command.

    Raises:
        CommandRefused: It has ended, or says why it does not.
    """
    check_heard(run)
    if (reason := why_not(_controls(run), asked.name, asked.parameter, asked.value)) is not None:
        raise CommandRefused(reason)


def send(run: StoredRun, wishes: Iterable[Asked], wait: float = 0.0) -> dict[str, ev.Command]:
    """Ask, and wait until all is answered, or so many seconds.

    Returns:
        The answers there are, by the wish's id.

    Raises:
        CommandRefused: The run has ended, or says why it does not obey one of them; nothing is asked.
        LogError: The command log cannot be written.
    """
    wishes = list(wishes)
    for asked in wishes:
        check(run, asked)
    log, answers = run.log(), dict[str, ev.Command]()
    cursor = log.end()
    for asked in wishes:
        ask(run, asked)
    deadline = time.monotonic() + wait
    while len(answers) < len(wishes) and time.monotonic() < deadline:
        batch = log.read(cursor)
        cursor = batch.cursor
        for event in decode_lines(list(batch.lines)):
            if isinstance(event, ev.Command) and event.phase != "asked" and event.id:
                answers[event.id] = event
        if not batch.lines:
            if not run.alive():
                break
            time.sleep(_LOOK_SECONDS)
    return {asked.id: answers[asked.id] for asked in wishes if asked.id in answers}


def _controls(run: StoredRun) -> dict[str, Any] | None:
    steering, log, cursor = Steering(), run.log(), START
    while (batch := log.read(cursor)).lines:
        for event in decode_lines([line for line in batch.lines if type_of(line) in _TELLING]):
            if isinstance(event, ev.RunStarted):
                steering.begin()
            elif isinstance(event, ev.Controls):
                steering.feed(event)
        cursor = batch.cursor
    return steering.controls()
