"""A loop obeys, at its next safe point, and says what became of each wish."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy
import pytest

import livecb
from livecb import events
from livecb.control import inbox
from livecb.control.commands import Asked, ask, log_of, wish
from livecb.errors import LivecbWarning
from livecb.store import StoredRun
from wishes import became, tell

Recorded = Callable[[livecb.Run], list[Any]]


def of(kind: type[Any], recorded: list[Any]) -> list[Any]:
    return [event for event in recorded if isinstance(event, kind)]


def answers(recorded: list[Any]) -> list[tuple[Any, ...]]:
    """Return what became of what was asked, in order: name, phase, step."""
    told = of(events.Command, recorded)
    return [(event.name, event.phase, event.step) for event in told if event.phase != "asked"]


def stored(run: livecb.Run) -> StoredRun:
    assert run._stored is not None
    return run._stored


def later(seconds: float, *wishes: Asked, run: livecb.Run) -> threading.Thread:
    thread = threading.Timer(seconds, lambda: [ask(stored(run), each) for each in wishes])
    thread.start()
    return thread


def test_a_tracked_loop_stops_where_it_stands_and_the_run_is_stopped_by_name(
    run: livecb.Run, recorded: Recorded
) -> None:
    done = []
    for item in run.track(range(100)):
        done.append(item)
        if item == 3:
            tell(run, wish("stop", by="ada"))
    run.finish()
    assert done == [0, 1, 2, 3]
    said = recorded(run)
    assert answers(said) == [("stop", "applied", 4)]
    asked, applied = of(events.Command, said)
    assert (asked.phase, asked.by, asked.id) == ("asked", "ada", applied.id)
    (end,) = of(events.RunEnded, said)
    assert (end.status, end.by) == ("stopped", "ada")


def test_every_loop_around_the_one_that_stops_ends_too(run: livecb.Run) -> None:
    seen = []
    for epoch in run.track(range(5), unit="epoch"):
        for batch in run.track(range(5)):
            seen.append((epoch, batch))
            if (epoch, batch) == (1, 2):
                tell(run, wish("stop"))
        seen.append((epoch, "validated"))
    assert seen[5:] == [(0, "validated"), (1, 0), (1, 1), (1, 2), (1, "validated")]


def test_a_validation_within_the_training_goes_on_to_its_end(run: livecb.Run) -> None:
    seen = []
    for batch in run.track(range(3)):
        for sample in run.track(range(3), phase="validate"):
            seen.append((batch, sample))
            if sample == 0:
                tell(run, wish("stop"))
    assert seen == [(0, 0), (0, 1), (0, 2)]


def test_a_loop_that_begins_after_the_stop_goes_through_one_item_and_says_what_to_do(
    run: livecb.Run, recorded: Recorded
) -> None:
    seen = []
    with pytest.warns(LivecbWarning, match=r"run\.should_stop"):
        for epoch in range(3):
            for batch in run.track(range(4)):
                seen.append((epoch, batch))
                if (epoch, batch) == (0, 1):
                    tell(run, wish("stop"))
    assert seen == [(0, 0), (0, 1), (1, 0), (2, 0)]
    (alert,) = of(events.Alert, recorded(run))  # for those who asked, and see the run go on
    assert alert.title == "The program goes on"


def test_a_paused_loop_waits_until_it_is_resumed(run: livecb.Run, recorded: Recorded) -> None:
    for item in run.track(range(3)):
        if item == 0:
            tell(run, wish("pause", by="ada"))
            begun, thread = time.monotonic(), later(0.5, wish("resume", by="bob"), run=run)
        elif item == 1:
            assert 0.4 < time.monotonic() - begun < 3
    thread.join()
    said = recorded(run)
    assert answers(said) == [("pause", "applied", 1), ("resume", "applied", 1)]
    assert [(e.status, e.message) for e in of(events.Status, said)] == [
        ("paused", "by ada"),
        ("running", None),
    ]


def test_a_pause_ends_by_itself(run: livecb.Run, recorded: Recorded) -> None:
    for item in run.track(range(2)):
        if item == 0:
            tell(run, wish("pause", 0.4))
            begun = time.monotonic()
    assert 0.3 < time.monotonic() - begun < 3
    resumed = of(events.Command, recorded(run))[-1]
    assert (resumed.name, resumed.by) == ("resume", "livecb")
    assert "as long as it may" in resumed.reason


def test_a_paused_loop_can_be_stopped(run: livecb.Run, recorded: Recorded) -> None:
    for item in run.track(range(100)):
        if item == 0:
            tell(run, wish("pause"))
            thread = later(0.2, wish("stop", by="ada"), run=run)
    thread.join()
    assert item == 0
    assert answers(recorded(run)) == [("pause", "applied", 1), ("stop", "applied", 1)]


def test_what_is_asked_within_a_pause_is_obeyed_within_it(run: livecb.Run) -> None:
    rate = run.control("rate", 1)
    for item in run.track(range(2)):
        if item == 0:
            tell(run, wish("pause"), wish("set", 5, parameter="rate"), wish("resume"))
    assert rate.value == 5
    assert type(rate.value) is int


def test_a_parameter_follows_between_two_steps_and_says_old_and_new(
    run: livecb.Run, recorded: Recorded
) -> None:
    told: list[float] = []
    temperature = run.control("temperature", 0.7, min=0, max=2, on_change=told.append)
    seen = []
    for item in run.track(range(3)):
        if item == 1:
            tell(run, wish("set", 1.5, parameter="temperature", by="ada"))
        seen.append(temperature.value)
    assert (seen, told, float(temperature)) == ([0.7, 0.7, 1.5], [1.5], 1.5)
    applied = of(events.Command, recorded(run))[-1]
    fields = (applied.phase, applied.parameter, applied.old, applied.new, applied.by, applied.step)
    assert fields == ("applied", "temperature", 0.7, 1.5, "ada", 2)


@pytest.mark.parametrize(
    ("given", "asked", "why"),
    [
        ({"value": 0.7, "min": 0, "max": 1}, 2.5, "to be between 0 and 1, got 2.5"),
        ({"value": 0.7, "min": 0}, -1.0, "to be at least 0, got -1.0"),
        ({"value": 0.7, "min": -math.inf, "max": 1}, 2, "to be at most 1, got 2"),
        ({"value": 0.7}, "high", "to be a number"),
        ({"value": 3}, 0.5, "a whole number"),
        ({"value": 3}, 1e308, r"at most 2^53"),
        ({"value": True}, 1.0, "true or false"),
        ({"value": "cosine"}, 1.0, "to be a string"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    run: livecb.Run, recorded: Recorded, given: dict[str, Any], asked: Any, why: str
) -> None:
    control = run.control("it", **given)
    for _ in run.track(range(1)):
        tell(run, wish("set", asked, parameter="it"))
    last = of(events.Command, recorded(run))[-1]
    assert (last.phase, control.value) == ("refused", given["value"])
    assert why in last.reason


@pytest.mark.parametrize(
    ("name", "value", "more", "why"),
    [
        ("", 1.0, {}, "expected a name of 1 to 200 characters, got ''"),
        (["lr"], 1.0, {}, "expected a name"),
        ("it", [1.0], {}, r"expected a number, a string or a bool as the value, .* got \[1.0\]"),
        ("it", None, {}, "got None"),
        ("it", math.nan, {}, "a finite one, got nan"),
        ("it", 5, {"max": 1}, "expected a value at most 1, as min and max say, got 5"),
        ("it", 5, {"min": 2, "max": 1}, "expected min to be at most max, got min=2 and max=1"),
        ("it", 5, {"min": "low"}, "expected a number as min, .* got 'low'"),
        ("it", "cosine", {"min": 0}, "min and max are for numbers"),
        ("it", 5, {"on_change": 3}, "expected a function as on_change, got 3"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named_and_offered_to_nobody(
    run: livecb.Run, recorded: Recorded, name: Any, value: Any, more: dict[str, Any], why: str
) -> None:
    with pytest.warns(LivecbWarning, match=f"readers cannot set .*{why}"):
        control = run.control(name, value, **more)
    assert control.value is value
    for _ in run.track(range(1)):
        pass
    assert of(events.Controls, recorded(run))[-1].parameters == []


def test_numbers_of_numpy_are_numbers(run: livecb.Run, recorded: Recorded) -> None:
    run.control("lr", numpy.float32(0.5), min=numpy.int64(0))
    run.control("count", numpy.int64(3))
    told = {each.name: (each.value, each.min) for each in of(events.Controls, recorded(run))[-1].parameters}
    assert told == {"lr": (0.5, 0), "count": (3, None)}
    assert type(told["count"][0]) is int


@pytest.mark.parametrize("how", [3, None, "", "  "])
def test_what_is_offered_is_a_function_or_a_reason(run: livecb.Run, how: Any) -> None:
    with pytest.warns(LivecbWarning, match=r"run\.offer\('save'\): expected a function, or the reason"):
        run.offer("save", how)


def test_what_a_change_raises_refuses_it_and_the_training_goes_on(
    run: livecb.Run, recorded: Recorded
) -> None:
    def fail(value: float) -> None:
        raise RuntimeError("no such rate")

    control = run.control("lr", 0.1, on_change=fail)
    for item in run.track(range(3)):
        if item == 0:
            tell(run, wish("set", 0.2, parameter="lr"))
    last = of(events.Command, recorded(run))[-1]
    assert (item, control.value, last.phase) == (2, 0.1, "refused")
    assert "no such rate" in last.reason


def test_what_the_loop_has_no_place_for_is_refused_with_the_reason(
    run: livecb.Run, recorded: Recorded
) -> None:
    for _ in run.track(range(1)):
        tell(run, wish("save"), wish("set", 1, parameter="nothing"), wish("resume"))
    refused = [event for event in of(events.Command, recorded(run)) if event.phase == "refused"]
    assert [event.name for event in refused] == ["save", "set", "resume"]
    reasons = [event.reason for event in refused]
    assert "no place for it: run.offer('save', function) gives it one" in reasons[0]
    assert "there is none" in reasons[1]
    assert "not paused" in reasons[2]


def test_a_loop_says_what_it_can_save_and_a_stop_saves_first(run: livecb.Run, recorded: Recorded) -> None:
    saved = []
    run.offer("save", lambda: saved.append(int(run.step)))
    run.offer("evaluate", "there is nothing to evaluate on")
    for item in run.track(range(9)):
        if item == 1:
            tell(run, wish("save"), wish("evaluate"))
        if item == 3:
            tell(run, wish("stop"))
    assert saved == [2, 4]
    said = recorded(run)
    assert [name for name, phase, _ in answers(said) if phase == "applied"] == ["save", "stop"]
    able = of(events.Controls, said)[-1].commands
    assert {name for name, reason in able.items() if not reason} == {"pause", "resume", "stop", "save"}
    assert able["evaluate"] == "there is nothing to evaluate on"


def test_a_loop_of_its_own_obeys_where_it_asks(run: livecb.Run) -> None:
    steps = 0
    while not run.should_stop:
        steps += 1
        if steps == 2:
            tell(run, wish("stop"))
    assert steps == 2


def test_a_loop_that_never_asks_says_so_and_refuses(run: livecb.Run, recorded: Recorded) -> None:
    run.control("lr", 0.1)
    tell(run, wish("set", 0.2, parameter="lr"))
    said = recorded(run)
    (parameter,) = of(events.Controls, said)[-1].parameters
    assert "run.obey()" in parameter.reason
    assert of(events.Command, said)[-1].phase == "refused"


def test_what_was_asked_before_the_run_looked_is_not_replayed(run: livecb.Run, recorded: Recorded) -> None:
    ask(stored(run), wish("stop"))
    assert len(list(run.track(range(3)))) == 3
    assert of(events.Command, recorded(run)) == []


def test_what_nobody_obeyed_in_time_is_refused(run: livecb.Run, recorded: Recorded) -> None:
    for item in run.track(range(2)):
        if item == 0:
            tell(run, wish("stop", within=0.01))
            time.sleep(0.05)
    last = of(events.Command, recorded(run))[-1]
    assert (item, last.phase) == (1, "refused")


def test_of_very_many_wishes_most_are_refused_but_no_stop(run: livecb.Run, recorded: Recorded) -> None:
    for _ in run.track(range(2)):
        if not of(events.Command, recorded(run)):
            for each in [*[wish("save")] * 150, wish("stop", by="Ada")]:
                run._steer().take(each)
    told = [
        (event.name, event.reason) for event in of(events.Command, recorded(run)) if event.phase != "asked"
    ]
    assert told.count(("save", "100 wishes wait already: ask again later")) == 50
    assert told[-1] == ("stop", None)


def test_what_comes_too_late_is_refused_when_the_run_ends(run: livecb.Run, recorded: Recorded) -> None:
    list(run.track(range(2)))
    tell(run, wish("pause"))
    run.finish()
    said = recorded(run)
    assert said[-2].reason == "the run has ended"
    assert said[-1].status == "completed"


def test_what_is_asked_just_before_the_end_is_answered_too(
    run: livecb.Run, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_POLL_SECONDS", 60.0)
    list(run.track(range(2)))
    ask(stored(run), wish("stop"))
    run.finish()
    assert [event.phase for event in of(events.Command, recorded(run))] == ["asked", "refused"]


def test_who_asks_as_soon_as_it_can_be_asked_is_heard(
    run: livecb.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, asked = run._record, wish("stop")

    def asking(kind: Any, *args: Any) -> Any:
        answer = record(kind, *args)
        if kind is events.Controls and not log_of(stored(run)).path.exists():
            ask(stored(run), asked)
        return answer

    monkeypatch.setattr(run, "_record", asking)
    deadline = time.monotonic() + 30
    while not run.should_stop and time.monotonic() < deadline:
        time.sleep(0.01)
    assert became(run, asked) == "applied"


@pytest.mark.filterwarnings("ignore:the run has ended")
def test_a_run_that_ends_amid_a_verb_of_its_own_does_not_wait_for_its_readers(run: livecb.Run) -> None:
    assert not run.obey()
    began = time.monotonic()
    with run._lock:  # as where a signal's handler comes in between
        ask(stored(run), wish("save"))
        thread = run._steering and run._steering._inbox
        assert thread
        while not thread._reading.locked() and time.monotonic() < began + 30:
            time.sleep(0.001)
        run.finish()
    assert time.monotonic() - began < 60


def test_a_line_that_is_no_command_is_named_and_the_next_is_obeyed(run: livecb.Run) -> None:
    with pytest.warns(LivecbWarning, match="not a command"):
        for item in run.track(range(100)):
            if item == 0:
                log_of(stored(run)).append(b"nonsense\n")
                tell(run, wish("stop"))
                time.sleep(0.01)
    assert item == 0


def test_a_paused_coroutine_lets_others_have_their_turn(run: livecb.Run, recorded: Recorded) -> None:
    async def items() -> AsyncIterator[int]:
        for item in range(100):
            yield item

    async def main() -> int:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        task = asyncio.create_task(others())
        async for item in run.atrack(items()):
            if item == 1:
                tell(run, wish("pause", 0.5))
                turns = 0
            if item == 2:
                assert turns > 10
                tell(run, wish("stop"))
        task.cancel()
        return item

    assert asyncio.run(main()) == 2
    assert answers(recorded(run))[-1] == ("stop", "applied", 3)


def test_one_process_of_several_refuses_to_leave_the_others_waiting(
    run: livecb.Run, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch.distributed as dist

    for name, answer in {"is_initialized": True, "get_world_size": 2}.items():
        monkeypatch.setattr(dist, name, lambda answer=answer: answer)
    for _ in run.track(range(1)):
        tell(run, wish("stop"))
    assert len(list(run.track(range(3)))) == 3
    last = of(events.Command, recorded(run))[-1]
    assert last.phase == "refused"
    assert "others waiting" in last.reason


@pytest.fixture(autouse=True)
def _no_run_left(run: livecb.Run) -> Iterator[None]:
    yield
    run.finish()
