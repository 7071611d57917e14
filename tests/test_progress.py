from __future__ import annotations

import asyncio
import math
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.errors import LivecbWarning
from livecb.run import Run
from livecb.testing import record

Recorded = Callable[[Run], list[Any]]


def progress(recorded: list[Any]) -> list[events.Progress]:
    return [event for event in recorded if isinstance(event, events.Progress)]


def test_a_call_says_everything_at_once(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)
    tell(
        current=3, total=10, phase="judging", category="algebra", quality=0.75, best_model="small",
        successful=2, failed=1, saved=2, cost=0.25, prompt="What is 2 + 2?",
    )  # fmt: skip
    (said,) = progress(recorded(run))
    assert (said.done, said.total, said.unit, said.phase) == (3, 10, "sample", "judging")
    assert said.counters == {
        "successful": 2,
        "failed": 1,
        "saved": 2,
        "category/algebra": 1,
        "best_model/small": 1,
    }
    assert said.fields == {
        "category": "algebra", "best_model": "small", "quality": 0.75, "cost": 0.25, "prompt": "What is 2 + 2?",
    }  # fmt: skip


def test_it_may_be_awaited_or_called_in_a_coroutine(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)

    async def generate() -> None:
        await tell(current=1, total=2)
        tell(current=2, total=2)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(generate())
    assert [said.done for said in progress(recorded(run))] == [1, 2]


def test_categories_and_wins_are_counted_over_all_calls_and_each_event_has_the_whole_count(
    run: Run, recorded: Recorded
) -> None:
    tell = livecb.progress_callback(run)
    for number, (category, model) in enumerate([("math", "a"), ("code", "b"), ("math", "b")], start=1):
        tell(number, 4, category=category, best_model=model)
    tell(4, 4)
    counted = {"category/math": 2, "category/code": 1, "best_model/a": 1, "best_model/b": 2}
    assert [said.counters for said in progress(recorded(run))[2:]] == [counted, counted]


def test_true_counts_one_more_and_a_number_says_how_many(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)
    tell(successful=True, failed=False)
    tell(successful=True, saved=1)
    tell(failed=True, saved=2)
    assert [said.counters for said in progress(recorded(run))] == [
        {"successful": 1, "failed": 0},
        {"successful": 2, "failed": 0, "saved": 1},
        {"successful": 2, "failed": 1, "saved": 2},
    ]


def test_the_calls_are_counted_where_nothing_says_how_far_it_is(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run, unit="prompt")
    for phase in ("write", "write", "judge"):
        tell(phase=phase)
    said = [(each.done, each.total, each.unit, each.phase) for each in progress(recorded(run))]
    assert said == [(1, None, "prompt", "write"), (2, None, "prompt", "write"), (1, None, "prompt", "judge")]


def test_quality_is_a_curve_at_the_place_that_was_said(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)
    tell(1, quality=0.5)
    tell(2, quality=0.25)
    tell(3, quality=1, step=70, epoch=1.5)
    curve = [event for event in recorded(run) if isinstance(event, events.Metrics)]
    assert [(event.values, event.step, event.epoch) for event in curve] == [
        ({"quality": 0.5}, 1, None), ({"quality": 0.25}, 2, None), ({"quality": 1}, 70, 1.5),
    ]  # fmt: skip
    assert (progress(recorded(run))[-1].step, progress(recorded(run))[-1].fields) == (70, {"quality": 1})


def test_all_may_come_as_one_dict(run: Run, recorded: Recorded) -> None:
    livecb.progress_callback(run)({"current": 5, "total": 9, "failed": 2, "topic": "tides"}, phase="write")
    (said,) = progress(recorded(run))
    assert (said.done, said.total, said.phase, said.counters, said.fields) == (
        5, 9, "write", {"failed": 2}, {"topic": "tides"},
    )  # fmt: skip


def test_a_field_may_be_called_as_anything_and_hold_anything(run: Run, recorded: Recorded) -> None:
    livecb.progress_callback(run)(
        1,
        2,
        rate="fast",
        unit="x",
        done=9,
        left=[1],
        counters={"a": 1},
        self_="me",
        fields=object,
        nan=math.nan,
    )
    (said,) = progress(recorded(run))
    assert (said.done, said.unit, said.counters) == (1, "sample", {})
    assert (said.fields["rate"], said.fields["done"], said.fields["counters"]) == ("fast", 9, {"a": 1})
    assert math.isnan(said.fields["nan"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"current": "three"}, "left current out: it is the string 'three'"),
        ({"total": math.nan}, "left total out: it is nan"),
        ({"total": [1]}, "left total out: it is a list"),
        ({"failed": "many"}, "left failed out: it is the string"),
        ({"saved": -1}, "left saved out: it is -1: expected a finite number, from 0 up"),
        ({"quality": "good"}, "metric 'quality' was not recorded"),
        ({"current": True}, "left current out: it is True"),
    ],
)
def test_what_is_of_the_wrong_type_is_named_and_the_rest_is_recorded(
    run: Run, recorded: Recorded, wrong: dict[str, Any], words: str
) -> None:
    tell = livecb.progress_callback(run)
    with pytest.warns(LivecbWarning, match=words):
        tell(**{"phase": "write", **wrong})
    (said,) = progress(recorded(run))
    assert (said.done, said.total, said.phase) == (1, None, "write")


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def test_values_that_raise_when_they_are_asked_reach_the_job_as_a_warning(run: Run) -> None:
    tell = livecb.progress_callback(run)
    with pytest.warns(LivecbWarning, match="progress callback recorded nothing"):
        tell(1, category=Hostile())  # type: ignore[arg-type]
    tell(2)


def test_the_rate_and_the_time_left_follow_from_the_calls(
    run: Run, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("livecb.meter.monotonic", lambda: float(next(clock)))
    tell = livecb.progress_callback(run)
    for current in (1, 2, 3, 4):
        tell(current, 4)
    said = progress(recorded(run))[-1]
    assert said.rate == pytest.approx(said.done / said.elapsed)  # type: ignore[operator]
    assert said.left == 0


def test_phases_that_take_turns_have_each_a_bar_of_their_own(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)
    for _ in range(3):
        tell(total=3, phase="write")
        tell(total=3, phase="judge")
    said = [(each.phase, each.done, each.left) for each in progress(recorded(run))]
    assert [(phase, done) for phase, done, _ in said] == [
        ("write", 1), ("judge", 1), ("write", 2), ("judge", 2), ("write", 3), ("judge", 3),
    ]  # fmt: skip
    assert [left for _, _, left in said[-2:]] == [0, 0]


def test_a_bar_that_begins_anew_counts_anew(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)
    for current in (1, 2, 1):
        tell(current, 2, phase="write")
    assert [said.done for said in progress(recorded(run))] == [1, 2, 1]


def test_samples_that_come_in_another_order_do_not_take_the_bar_back(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)
    for current in (2, 5, 3, 6):
        tell(current, 9)
    assert [said.done for said in progress(recorded(run))] == [2, 5, 5, 6]


def test_more_names_than_a_page_can_show_are_counted_together(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)
    for number in range(60):
        tell(category=f"c{number}")
    tell(category="c3")
    counters = progress(recorded(run))[-1].counters
    assert (len(counters), counters["category/c3"], counters["category/others"]) == (51, 2, 10)


def test_calls_from_many_threads_are_all_counted(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)

    def work() -> None:
        for _ in range(100):
            tell(category="a", successful=True)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = max(progress(recorded(run)), key=lambda said: said.done)
    assert (last.done, last.counters) == (800, {"category/a": 800, "successful": 800})


def test_the_state_shows_which_category_and_which_model_wins() -> None:
    with record() as recorded:
        with livecb.init() as run:
            tell = livecb.progress_callback(run)
            tell(1, 2, category="math", best_model="a", quality=0.5)
            tell(2, 2, category="code", best_model="a", quality=0.75)
        bar = recorded.state().to_dict(alive=False, now=0)["progress"]
    assert bar["counters"] == {"category/math": 1, "category/code": 1, "best_model/a": 2}
    assert bar["fields"] == {"category": "code", "best_model": "a", "quality": 0.75}


def test_a_run_that_does_nothing_takes_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_MODE", "disabled")
    livecb.progress_callback(livecb.init())(1, 2, category="a", quality=0.5)


def test_a_handler_of_signals_may_tell_while_a_call_is_under_way(run: Run, recorded: Recorded) -> None:
    tell = livecb.progress_callback(run)

    class Interrupted(float):
        """Its reading is interrupted, as by a signal."""

        def __float__(self) -> float:
            tell(current=1, total=2, phase="inner")
            return 3.0

    teller = threading.Thread(target=tell, args=(Interrupted(3.0), 4), daemon=True)
    teller.start()
    teller.join(10)
    assert not teller.is_alive()
    assert {event.phase: event.done for event in recorded(run) if isinstance(event, events.Progress)} == {
        "inner": 1,
        None: 3,
    }
