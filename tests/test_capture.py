from __future__ import annotations

import io
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.run import Run

Recorded = Callable[[Run], list[Any]]


def logs(recorded: list[Any]) -> list[events.Log]:
    return [event for event in recorded if isinstance(event, events.Log)]


@pytest.fixture
def quiet() -> Iterator[Run]:
    """A run with the default capture: warnings."""
    with livecb.init(sinks=[], system_interval=0) as run:
        yield run


@pytest.fixture
def everything() -> Iterator[Run]:
    """A run that captures all output."""
    with livecb.init(sinks=[], system_interval=0, capture="all") as run:
        yield run


def test_warnings_of_any_logger_are_recorded_with_level_and_name(quiet: Run, recorded: Recorded) -> None:
    logging.getLogger("some.library").warning("only %d left", 3)
    logging.getLogger("some.library").info("chatter")
    assert [(e.level, e.logger, e.message) for e in logs(recorded(quiet))] == [
        ("WARNING", "some.library", "only 3 left")
    ]


def test_print_is_not_recorded_by_default(quiet: Run, recorded: Recorded) -> None:
    print("hello")
    assert logs(recorded(quiet)) == []


def test_all_output_is_recorded_line_by_line(everything: Run, recorded: Recorded) -> None:
    print("one")
    print("two", "three", end="")
    print(" four")
    sys.stderr.write("five\nsix\n")
    assert [(e.stream, e.message) for e in logs(recorded(everything))] == [
        ("stdout", "one"), ("stdout", "two three four"), ("stderr", "five"), ("stderr", "six"),
    ]  # fmt: skip


def test_a_progress_bar_is_recorded_as_the_terminal_shows_it(everything: Run, recorded: Recorded) -> None:
    for percent in range(0, 101, 10):
        sys.stderr.write(f"\r{percent}%")
    sys.stderr.write("\n")
    assert [e.message for e in logs(recorded(everything))] == ["100%"]


def test_a_warning_that_a_handler_prints_is_recorded_once(everything: Run, recorded: Recorded) -> None:
    handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("printed")
    logger.addHandler(handler)
    try:
        logger.warning("twice?")
    finally:
        logger.removeHandler(handler)
    assert [(e.message, e.logger) for e in logs(recorded(everything))] == [("twice?", "printed")]


def test_streams_keep_their_identity_and_are_given_back(recorded: Recorded) -> None:
    before, factory = sys.stdout, logging.getLogRecordFactory()
    run = livecb.init(sinks=[], system_interval=0, capture="all")
    assert sys.stdout is before
    sys.stdout.write("no line end")
    run.finish()
    assert "write" not in vars(before)
    assert logging.getLogRecordFactory() is factory
    assert logs(recorded(run))[-1].message == "no line end"


def test_a_broken_record_is_left_to_logging(quiet: Run, recorded: Recorded) -> None:
    logging.getLogger().setLevel(logging.WARNING)
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings():
            logging.raiseExceptions, before = False, logging.raiseExceptions
            logging.getLogger().warning("%d", "no number")
            logging.raiseExceptions = before
    finally:
        logging.getLogger().removeHandler(handler)
    assert logs(recorded(quiet)) == []


SHOWS = """
import logging, sys
{livecb}
logging.warning("before any handler")
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
logging.info("told")
print("out", sys.stdout.isatty(), sys.stdout.fileno())
sys.stderr.write("err\\n")
"""


@pytest.mark.parametrize("capture", ["None", "'warnings'", "'all'"])
def test_the_terminal_shows_what_it_showed_without_livecb(capture: str) -> None:
    def shown(livecb: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", SHOWS.format(livecb=livecb)], capture_output=True, text=True, check=True
        )
        return done.stdout, done.stderr

    assert shown(f"import livecb; livecb.init(sinks=[], capture={capture})") == shown("")
