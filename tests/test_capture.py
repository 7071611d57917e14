from __future__ import annotations

import gc
import io
import logging
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.errors import warn
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
    write = vars(before).get("write")
    run = livecb.init(sinks=[], system_interval=0, capture="all")
    assert sys.stdout is before
    sys.stdout.write("no line end")
    run.finish()
    assert vars(before).get("write") is write
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


@pytest.fixture
def printing() -> Iterator[logging.Logger]:
    """A logger whose records are printed to stderr with level and name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    logger = logging.getLogger("printing")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)
    logger.propagate = True


def test_a_record_of_several_lines_is_recorded_once(
    everything: Run, recorded: Recorded, printing: logging.Logger
) -> None:
    printing.warning("first\nsecond\n\n  third")
    print("second")
    assert [e.message for e in logs(recorded(everything))] == ["first\nsecond\n\n  third", "second"]


def test_an_exception_is_recorded_once_with_its_traceback(
    everything: Run, recorded: Recorded, printing: logging.Logger
) -> None:
    try:
        raise ValueError("bad batch")
    except ValueError:
        printing.exception("step failed")
    (told,) = logs(recorded(everything))
    assert told.message.startswith("step failed\nTraceback (most recent call last):\n")
    assert told.message.endswith("\nValueError: bad batch")


def test_two_handlers_that_print_a_record_in_color_do_not_record_it_again(
    everything: Run, recorded: Recorded, printing: logging.Logger
) -> None:
    second = logging.StreamHandler(sys.stdout)
    second.setFormatter(logging.Formatter("\x1b[33m%(levelname)s %(message)s\x1b[0m"))
    printing.addHandler(second)
    try:
        printing.warning("one\ntwo")
    finally:
        printing.removeHandler(second)
    assert [e.message for e in logs(recorded(everything))] == ["one\ntwo"]


def test_what_is_printed_after_a_record_is_recorded_whatever_it_says(
    everything: Run, recorded: Recorded, printing: logging.Logger
) -> None:
    silent = logging.getLogger("silent")
    silent.propagate = False
    silent.addHandler(logging.NullHandler())
    silent.warning("loss")
    print("loss 0.31 at step 5")
    printing.warning("accuracy")
    print("accuracy")
    assert [e.message for e in logs(recorded(everything))] == [
        "loss", "loss 0.31 at step 5", "accuracy", "accuracy",
    ]  # fmt: skip


def test_what_a_record_is_printed_behind_is_not_lost(
    everything: Run, recorded: Recorded, printing: logging.Logger
) -> None:
    sys.stderr.write("epoch 1 ...")
    printing.warning("slow")
    assert [e.message for e in logs(recorded(everything))] == ["slow", "epoch 1 ..."]


def test_a_told_record_keeps_no_exception_alive(everything: Run) -> None:
    class Tensor:
        pass

    unprinted = logging.getLogger("unprinted")
    unprinted.propagate = False
    unprinted.addHandler(logging.NullHandler())

    def fail() -> weakref.ref[Tensor]:
        tensor = Tensor()
        try:
            raise MemoryError(tensor)
        except MemoryError:
            logging.getLogger("unprinted").exception("out of memory")
        return weakref.ref(tensor)

    seen = fail()
    gc.collect()
    assert seen() is None


def test_runs_that_overlap_leave_nothing_behind() -> None:
    factory, stdout = logging.getLogRecordFactory(), sys.stdout
    write = vars(stdout).get("write")
    previous = livecb.init(sinks=[], system_interval=0, capture="all")
    installed = logging.getLogRecordFactory()
    for _ in range(5):
        run = livecb.init(sinks=[], system_interval=0, capture="all")
        previous.finish()
        previous = run
        assert logging.getLogRecordFactory() is installed
    previous.finish()
    assert logging.getLogRecordFactory() is factory
    assert vars(stdout).get("write") is write


def test_overlapping_runs_all_record_what_is_said_while_they_live(recorded: Recorded) -> None:
    first = livecb.init(sinks=[], system_interval=0, capture="all")
    second = livecb.init(sinks=[], system_interval=0)
    logging.getLogger("silent").warning("both")
    print("out")
    first.finish()
    logging.getLogger("silent").warning("one")
    second.finish()
    assert [e.message for e in logs(recorded(first))] == ["both", "out"]
    assert [e.message for e in logs(recorded(second))] == ["both", "one"]


@pytest.mark.parametrize("dropped", [False, True])
def test_what_others_put_on_top_is_neither_harmed_nor_chained_for_ever(
    dropped: bool, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, plain = io.StringIO(), logging.getLogRecordFactory()
    monkeypatch.setattr(sys, "stdout", stream)
    first = livecb.init(sinks=[], system_interval=0, capture="all")
    ours, write = logging.getLogRecordFactory(), stream.write
    monkeypatch.setattr(stream, "write", lambda text: write(text.upper()), raising=False)
    logging.setLogRecordFactory(lambda *args, **kwargs: ours(*args, **kwargs))
    top, on_top = logging.getLogRecordFactory(), stream.write
    first.finish()
    try:
        if dropped:
            logging.setLogRecordFactory(plain)
            del stream.write
        again = livecb.init(sinks=[], system_interval=0, capture="all")
        assert (logging.getLogRecordFactory() is top) != dropped
        assert (stream.write is on_top) != dropped
        logging.getLogger("silent").warning("once")
        print("once more")
        again.finish()
        assert logging.getLogRecordFactory() is (plain if dropped else top)
    finally:
        logging.setLogRecordFactory(plain)
    wanted = "once more" if dropped else "ONCE MORE"
    assert [e.message for e in logs(recorded(again))] == ["once", wanted]
    assert stream.getvalue() == wanted + "\n"
    assert logs(recorded(first)) == []


class Tee(io.StringIO):
    """A stream whose `write` takes more than others'."""

    def write(self, text: str, flush: bool = False) -> int:
        return super().write(text) + flush


def test_a_stream_whose_write_takes_more_gets_it(monkeypatch: pytest.MonkeyPatch, recorded: Recorded) -> None:
    monkeypatch.setattr(sys, "stdout", Tee())
    with livecb.init(sinks=[], system_interval=0, capture="all") as run:
        assert sys.stdout.write("hello\n", flush=True) == 7  # type: ignore[call-arg]
    assert [e.message for e in logs(recorded(run))] == ["hello"]


SHOWS = """
import logging, sys, warnings
warnings.simplefilter("default")
{livecb}
logging.warning("before any handler")
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
logging.info("told")
print("out", sys.stdout.isatty(), sys.stdout.fileno())
sys.stderr.write("err\\n")
warnings.warn("silly")
warnings.warn_explicit("never closed", ResourceWarning, "x.py", 3, source=object())
with warnings.catch_warnings(record=True) as kept:
    warnings.warn("kept")
print(len(kept))
logging.captureWarnings(True)
warnings.warn("by logging")
"""


@pytest.mark.parametrize("capture", ["None", "'warnings'", "'all'"])
def test_the_terminal_shows_what_it_showed_without_livecb(capture: str) -> None:
    def shown(livecb: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", SHOWS.format(livecb=livecb)], capture_output=True, text=True, check=True
        )
        return done.stdout, done.stderr

    assert shown(f"import livecb; livecb.init(sinks=[], capture={capture})") == shown("")


def test_warnings_are_recorded_with_their_category_and_place(quiet: Run, recorded: Recorded) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn_explicit("rate is silly", UserWarning, "train.py", 7)
        warnings.warn_explicit(RuntimeWarning("overflow"), None, "train.py", 8)
        warn("livecb's own")
        warnings.simplefilter("ignore")
        warnings.warn("not shown", stacklevel=2)
    assert [(e.level, e.logger, e.message.replace(__file__, "HERE")) for e in logs(recorded(quiet))] == [
        ("WARNING", "UserWarning", "rate is silly (train.py:7)"),
        ("WARNING", "RuntimeWarning", "overflow (train.py:8)"),
        ("WARNING", "LivecbWarning", f"livecb's own (HERE:{warn_line()})"),
    ]


def warn_line() -> int:
    lines = Path(__file__).read_text().splitlines()
    return 1 + next(at for at, line in enumerate(lines) if line.strip() == """warn("livecb's own")""")


def test_what_a_block_of_caught_warnings_keeps_is_not_recorded_and_what_comes_after_it_is(
    quiet: Run, recorded: Recorded
) -> None:
    with warnings.catch_warnings(record=True) as kept:
        warnings.simplefilter("always")
        warnings.warn("kept", stacklevel=1)
    warnings.warn_explicit("after", UserWarning, "x.py", 1)
    assert [str(each.message) for each in kept] == ["kept"]
    assert [e.message for e in logs(recorded(quiet))] == ["after (x.py:1)"]


def test_the_hook_of_warnings_is_taken_away_and_never_piles_up(recorded: Recorded) -> None:
    before = warnings.showwarning
    runs = []
    for _ in range(3):
        runs.append(livecb.init(sinks=[], system_interval=0))
        hook = warnings.showwarning
        with warnings.catch_warnings():
            runs[-1].finish()
            assert warnings.showwarning is before
        assert warnings.showwarning is hook
    last = livecb.init(sinks=[], system_interval=0)
    assert warnings.showwarning is hook
    warnings.warn_explicit("now", UserWarning, "x.py", 1)
    last.finish()
    assert warnings.showwarning is before
    assert [e.message for e in logs(recorded(last))] == ["now (x.py:1)"]
    assert all(logs(recorded(run)) == [] for run in runs)


def test_a_warning_that_is_printed_is_recorded_once_and_what_it_was_printed_behind(
    everything: Run, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warnings, "_showwarnmsg_impl", printed)
    sys.stderr.write("50%")
    warnings.warn_explicit("silly", UserWarning, "x.py", 1)
    print("on")
    assert [(e.logger or e.stream, e.message) for e in logs(recorded(everything))] == [
        ("UserWarning", "silly (x.py:1)"), ("stderr", "50%"), ("stdout", "on"),
    ]  # fmt: skip


def printed(shown: warnings.WarningMessage) -> None:
    """Print a warning as Python does where nothing records it, as pytest does."""
    sys.stderr.write(warnings.formatwarning(shown.message, shown.category, shown.filename, shown.lineno))


def test_a_warning_that_logging_takes_over_is_recorded_once(quiet: Run, recorded: Recorded) -> None:
    hook = warnings.showwarning
    logging.captureWarnings(True)
    try:
        warnings.warn_explicit("silly", UserWarning, "x.py", 1)
        above = livecb.init(sinks=[], system_interval=0)
        warnings.warn_explicit("sillier", UserWarning, "x.py", 2)
        above.finish()
    finally:
        logging.captureWarnings(False)
    assert warnings.showwarning is hook
    first, second = logs(recorded(quiet))
    assert (first.logger, first.message) == ("py.warnings", "x.py:1: UserWarning: silly\n")
    for told in (second, *logs(recorded(above))):
        assert (told.logger, told.message) == ("UserWarning", "sillier (x.py:2)")
