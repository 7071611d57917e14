"""A handler of the standard library's logging."""

from __future__ import annotations

import logging
import logging.handlers
import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.handler import LiveHandler
from livecb.run import Run

Read = Callable[[Run], list[Any]]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("some.training")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    yield made
    made.handlers.clear()
    made.propagate = True


def said(run: Run, recorded: Read) -> list[tuple[str, str | None, str]]:
    return [(e.level, e.logger, e.message) for e in recorded(run) if isinstance(e, events.Log)]


def test_records_become_events_with_level_and_logger(
    run: Run, recorded: Read, logger: logging.Logger
) -> None:
    logger.addHandler(LiveHandler(run, level=logging.INFO))
    logger.debug("chatter")
    logger.info("loaded %d", 3)
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError:
        logger.exception("failed")
    (info, error) = said(run, recorded)
    assert info == ("INFO", "some.training", "loaded 3")
    assert error[:2] == ("ERROR", "some.training")
    assert error[2].startswith("failed\nTraceback (most recent call last):\n")
    assert error[2].endswith("ZeroDivisionError: division by zero")


def test_what_the_run_records_by_itself_is_recorded_once(recorded: Read, logger: logging.Logger) -> None:
    with livecb.init(sinks=[], system_interval=0) as run:
        logger.addHandler(LiveHandler(run))
        logger.info("one")
        logger.warning("two")
        listener = logging.handlers.QueueListener(records := queue.Queue[Any](), LiveHandler(run))
        logger.handlers = [logging.handlers.QueueHandler(records)]
        listener.start()
        logger.info("three")
        listener.stop()
    assert said(run, recorded) == [
        ("INFO", "some.training", "one"), ("WARNING", "some.training", "two"), ("INFO", "some.training", "three"),
    ]  # fmt: skip


def test_a_record_made_elsewhere_can_be_made_while_a_run_is_recorded(
    recorded: Read, logger: logging.Logger
) -> None:
    with livecb.init(sinks=[], system_interval=0) as run:
        record = logging.makeLogRecord(
            {"name": "far", "msg": "from afar", "levelno": 40, "levelname": "ERROR"}
        )
        LiveHandler(run).handle(record)
    assert said(run, recorded) == [("ERROR", "far", "from afar")]


def test_it_follows_the_run_begun_last_and_outlives_it(recorded: Read, logger: logging.Logger) -> None:
    logger.addHandler(LiveHandler())
    logger.info("before")
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        logger.info("while")
    logger.info("after")
    assert [message for _, _, message in said(run, recorded)] == ["while"]


def test_a_formatter_is_used(run: Run, recorded: Read, logger: logging.Logger) -> None:
    handler = LiveHandler(run)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger.addHandler(handler)
    logger.info("x")
    assert said(run, recorded) == [("INFO", "some.training", "INFO: x")]


def test_it_neither_raises_nor_records_what_recording_brings_about(
    recorded: Read, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        text = run.text

        def loud(*args: Any, **kwargs: Any) -> None:
            logger.info("recording")
            text(*args, **kwargs)

        monkeypatch.setattr(run, "text", loud)
        monkeypatch.setattr(logging, "raiseExceptions", False)
        logger.addHandler(LiveHandler(run))
        logger.info("%d", "no number")
        logger.info("fine")
    assert [message for _, _, message in said(run, recorded)] == ["fine"]
