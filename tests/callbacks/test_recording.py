from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import Any

from livecb.callbacks import recording
from livecb.callbacks.base import Stream, ending, opening
from livecb.testing import Recorded


class Loop(Stream):
    """The callback of a framework that has two hooks."""

    @opening
    def begin(self) -> None:
        self._open(leads=True, framework="loop", versions={}, config={})

    @ending
    def end(self) -> None:
        self._end()


def loop(run_id: str) -> Loop:
    return Loop(run_id=run_id, sinks=[], capture=None, system_interval=0)


def in_a_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def test_a_training_is_recorded_that_begins_while_another_threads_callback_closes(recorded: Recorded) -> None:
    given, beginning = loop("given"), loop("beginning")
    given.begin()
    closing = Loop(run=given.run)
    closing.begin()
    closing._helm = SimpleNamespace(leave=lambda: in_a_thread(beginning.begin))
    closing.end()
    assert beginning.run.id == "beginning"
    given.end()
    beginning.end()
    assert len(recorded.runs) == 2


def test_who_looks_for_what_records_passes_over_a_callback_without_a_session() -> None:
    closing = loop("r")
    recording.enter(closing)
    recording.give_up_others(loop("r"), "r")
    assert recording.stream_of(None) is None
    recording._at_exit()
    recording.leave(closing)
    recording.leave(closing)  # harmless


def test_a_callback_that_is_thrown_away_is_forgotten() -> None:
    recording.enter(loop("r"))
    assert not recording._recording


def test_what_records_can_be_listed_while_others_begin_between_any_two_steps() -> None:
    going = [loop(f"{n}") for n in range(99)]
    begin = iter(going)

    def amid(frame: FrameType, event: str, arg: object) -> Any:
        if (stream := next(begin, None)) is not None:
            recording.enter(stream)
        return amid

    for stream in going:
        stream._session = SimpleNamespace(training=stream)
    recording.enter(going[-1])
    before = sys.gettrace()
    sys.settrace(amid)
    try:
        assert recording.stream_of(going[-1]) is going[-1]
    finally:
        sys.settrace(before)
    for stream in going:
        recording.leave(stream)
