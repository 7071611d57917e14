from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from torch.utils.data import DataLoader, IterableDataset

from livecb import events
from livecb.errors import LivecbWarning
from livecb.run import Run

Recorded = Callable[[Run], list[Any]]


def of(kind: type[Any], recorded: list[Any]) -> list[Any]:
    return [event for event in recorded if isinstance(event, kind)]


def test_a_tracked_loop_sets_every_axis(run: Run, recorded: Recorded) -> None:
    for item in run.track(["a", "b"], epochs=2):
        run.log({"x": float(ord(item))})
    assert [(e.step, e.batch, e.epoch) for e in of(events.Metrics, recorded(run))] == [
        (1, 1, 0.5), (2, 2, 1.0), (3, 3, 1.5), (4, 4, 2.0),
    ]  # fmt: skip


def test_totals_are_said_before_the_first_item_and_progress_at_the_end(run: Run, recorded: Recorded) -> None:
    list(run.track(range(5), epochs=3, unit="sample"))
    said = recorded(run)
    assert of(events.Config, said)[0].totals == events.Totals(epochs=3, steps=15, batches_per_epoch=5)
    last = of(events.Progress, said)[-1]
    assert (last.done, last.total, last.unit, last.left) == (15, 15, "sample", 0.0)


def test_a_length_that_nobody_knows_stays_unknown(run: Run, recorded: Recorded) -> None:
    for _ in run.track(iter(range(3))):
        run.log({"x": 1.0})
    said = recorded(run)
    assert of(events.Metrics, said)[-1].epoch is None
    assert of(events.Progress, said)[-1].total is None


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(4))


def test_a_loader_over_a_stream_has_no_length_and_works(run: Run, recorded: Recorded) -> None:
    assert len(list(run.track(DataLoader(Stream()), epochs=2))) == 8
    assert of(events.Progress, recorded(run))[-1].done == 8


class Lengthless(list[int]):
    def __len__(self) -> int:
        raise NotImplementedError("nobody knows")


def test_a_length_that_cannot_be_asked_for_is_not_known(run: Run, recorded: Recorded) -> None:
    assert [*run.track(Lengthless([1, 2]))] == [1, 2]
    assert of(events.Progress, recorded(run))[-1].total is None


def test_an_iterator_that_is_used_up_says_what_to_do(run: Run) -> None:
    with pytest.warns(LivecbWarning, match="pass something that can be iterated again"):
        assert list(run.track(iter([1, 2]), epochs=3)) == [1, 2]


def test_a_loop_that_breaks_off_says_how_far_it_came(run: Run, recorded: Recorded) -> None:
    for item in run.track(range(10)):
        if item == 3:
            break
    assert of(events.Progress, recorded(run))[-1].done == 4


def test_an_inner_loop_has_a_bar_of_its_own_and_leaves_the_axes_alone(run: Run, recorded: Recorded) -> None:
    for _ in run.track(range(2)):
        for _ in run.track(range(3), unit="prompt"):
            run.log({"x": 1.0})
    said = recorded(run)
    assert [e.step for e in of(events.Metrics, said)] == [1, 1, 1, 2, 2, 2]
    assert {e.phase for e in of(events.Progress, said)} == {"prompt", None}


def test_a_second_loop_goes_on_counting(run: Run) -> None:
    list(run.track(range(3)))
    list(run.track(range(2)))
    assert run.step == 5


# Steps that are no items


def test_steps_are_counted_apart_where_several_batches_make_one(run: Run, recorded: Recorded) -> None:
    for number, _ in enumerate(run.track(range(4), epochs=2, steps=False), start=1):
        if number % 2 == 0:
            run.step()
        run.log({"x": 1.0})
    said = recorded(run)
    places = [(e.step, e.batch, e.epoch) for e in of(events.Metrics, said)]
    assert places == [
        (0, 1, 0.25), (1, 2, 0.5), (1, 3, 0.75), (2, 4, 1.0), (2, 5, 1.25), (3, 6, 1.5), (3, 7, 1.75), (4, 8, 2.0),
    ]  # fmt: skip
    assert of(events.Config, said)[0].totals == events.Totals(epochs=2, batches=8, batches_per_epoch=4)


def test_a_step_said_at_each_item_is_the_one_that_the_item_stands_for(run: Run, recorded: Recorded) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in run.track(range(3)):
            run.step()
            run.log({"x": 1.0})
    assert [e.step for e in of(events.Metrics, recorded(run))] == [1, 2, 3]


def test_steps_that_do_not_fit_the_items_are_named_with_the_cure(run: Run, recorded: Recorded) -> None:
    with pytest.warns(LivecbWarning, match="steps=False"):
        for number, _ in enumerate(run.track(range(4)), start=1):
            if number % 2 == 0:
                run.step()
            run.log({"x": 1.0})
    assert [e.step for e in of(events.Metrics, recorded(run))] == [1, 2, 3, 4]


# Input of every kind


@pytest.mark.parametrize(
    ("option", "value"), [("epochs", "two"), ("total", "ten"), ("total", -1), ("epochs", 1.5)]
)
def test_a_number_of_things_that_is_none_is_named_and_the_loop_runs(
    run: Run, option: str, value: Any
) -> None:
    with pytest.warns(LivecbWarning, match=f"expects {option} to be a whole number, got {value!r}"):
        assert list(run.track([1, 2], **{option: value})) == [1, 2]


def test_no_epochs_are_none(run: Run) -> None:
    assert list(run.track([1, 2], epochs=0)) == []


def test_a_loop_over_nothing_ends_at_once(run: Run, recorded: Recorded) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(run.track([], epochs=3)) == []
    assert of(events.Progress, recorded(run))[-1].done == 0


def test_an_error_in_the_loop_passes_and_the_next_loop_is_an_outermost_one(run: Run) -> None:
    def train() -> None:
        for _ in run.track(range(3)):
            raise ArithmeticError("too large")

    with pytest.raises(ArithmeticError, match="too large"):
        train()
    list(run.track(range(2)))
    assert run.step == 3


# Async


async def arriving(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


class Arriving:
    def __len__(self) -> int:
        return 2

    def __aiter__(self) -> AsyncIterator[int]:
        return arriving(2)


def test_an_async_loop_sets_every_axis_in_every_epoch(run: Run, recorded: Recorded) -> None:
    async def train() -> None:
        async for item in run.atrack(Arriving(), epochs=2, unit="prompt"):
            await run.alog({"x": item})

    asyncio.run(train())
    said = recorded(run)
    assert [(e.step, e.epoch, e.values["x"]) for e in of(events.Metrics, said)] == [
        (1, 0.5, 0), (2, 1.0, 1), (3, 1.5, 0), (4, 2.0, 1),
    ]  # fmt: skip
    last = of(events.Progress, said)[-1]
    assert (last.done, last.total, last.unit) == (4, 4, "prompt")


def test_an_async_generator_is_used_up_after_one_epoch_and_says_so(run: Run) -> None:
    async def train() -> list[int]:
        return [item async for item in run.atrack(arriving(3), epochs=2)]

    with pytest.warns(LivecbWarning, match="pass something that can be iterated again"):
        assert asyncio.run(train()) == [0, 1, 2]


def test_an_async_loop_that_breaks_off_leaves_the_axes_to_the_next_at_once(
    run: Run, recorded: Recorded
) -> None:
    async def train() -> None:
        async for item in run.atrack(arriving(5)):
            if item == 1:
                break
        async for _ in run.atrack(arriving(2)):
            pass

    asyncio.run(train())
    assert run.step == 4
    assert {e.phase for e in of(events.Progress, recorded(run))} == {None}


def test_an_error_of_the_source_passes(run: Run) -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise OSError("gone")

    async def train() -> None:
        async for _ in run.atrack(broken()):
            pass

    with pytest.raises(OSError, match="gone"):
        asyncio.run(train())
    assert run._loop is None


# Loops in loops


def test_a_loop_over_epochs_leaves_the_steps_to_the_loop_inside_it(run: Run, recorded: Recorded) -> None:
    for _ in run.track(range(3), unit="epoch"):
        for _ in run.track(range(2)):
            run.log({"x": 1.0})
        run.log({"val/x": 1.0})
    said = recorded(run)
    assert [(e.step, e.batch, e.epoch) for e in of(events.Metrics, said)] == [
        (1, 1, 0.5), (2, 2, 1.0), (2, 2, 1.0),
        (3, 3, 1.5), (4, 4, 2.0), (4, 4, 2.0),
        (5, 5, 2.5), (6, 6, 3.0), (6, 6, 3.0),
    ]  # fmt: skip
    totals = [e.totals for e in of(events.Config, said)]
    assert totals == [events.Totals(epochs=3), events.Totals(epochs=3, steps=6, batches_per_epoch=2)]
    bars = [(e.done, e.total, e.unit, e.phase) for e in of(events.Progress, said)]
    assert bars[-1] == (6, 6, "batch", None)
    assert {bar[1:] for bar in bars} == {(6, "batch", None)}


def test_the_second_loop_of_an_epoch_is_beside_the_training(run: Run, recorded: Recorded) -> None:
    for _ in run.track(range(2), unit="epoch"):
        list(run.track(range(3)))
        for _ in run.track(range(5), unit="example"):
            run.log({"val/x": 1.0})
    said = recorded(run)
    assert {(e.step, e.batch, e.epoch) for e in of(events.Metrics, said)} == {(3, 3, 1.0), (6, 6, 2.0)}
    assert {(e.total, e.unit, e.phase) for e in of(events.Progress, said)} == {
        (6, "batch", None),
        (5, "example", "example"),
    }


def test_a_loop_with_a_phase_is_beside_the_training_wherever_it_stands(run: Run, recorded: Recorded) -> None:
    for _ in range(2):
        list(run.track(range(3)))
        list(run.track(range(4), phase="validate"))
    assert (run.step, run.batch, run.epoch) == (6, 6, 2.0)
    bars = [(e.done, e.total, e.unit, e.phase) for e in of(events.Progress, recorded(run))]
    assert (4, 4, "batch", "validate") in bars


def test_a_loop_over_epochs_of_unknown_length_shows_the_epochs(run: Run, recorded: Recorded) -> None:
    for _ in run.track(range(2), unit="epoch"):
        for _ in run.track(iter(range(3))):
            run.log({"x": 1.0})
    said = recorded(run)
    assert [(e.step, e.epoch) for e in of(events.Metrics, said)] == [
        (1, 0.0), (2, 0.0), (3, 0.0), (4, 1.0), (5, 1.0), (6, 1.0),
    ]  # fmt: skip
    assert run.epoch == 2.0
    last = [e for e in of(events.Progress, said) if e.phase is None][-1]
    assert (last.done, last.total, last.unit) == (2, 2, "epoch")


def test_a_loop_over_epochs_with_none_inside_says_which_epoch_it_is(run: Run, recorded: Recorded) -> None:
    for _ in run.track(range(3), unit="epoch"):
        run.step(10)
        run.log({"x": 1.0})
    said = recorded(run)
    assert [(e.step, e.epoch) for e in of(events.Metrics, said)] == [(10, 1), (20, 2), (30, 3)]


def test_a_training_that_goes_on_counts_its_epochs_on(run: Run, recorded: Recorded) -> None:
    run.at(step=40, epoch=2)
    for _ in run.track(range(2), unit="epoch"):
        for _ in run.track(range(20)):
            pass
        run.log({"x": 1.0})
    said = recorded(run)
    assert [(e.step, e.epoch) for e in of(events.Metrics, said)] == [(60, 3.0), (80, 4.0)]
    assert of(events.Config, said)[-1].totals == events.Totals(epochs=4, steps=80, batches_per_epoch=20)


def test_an_epoch_that_is_cut_short_is_an_epoch(run: Run, recorded: Recorded) -> None:
    for _ in range(2):
        for number in run.track(range(10)):
            if number == 4:
                break
    assert (run.step, run.epoch) == (10, 1.5)
    for _ in run.track(range(2)):
        run.log({"x": 1.0})
    assert [(e.step, e.epoch) for e in of(events.Metrics, recorded(run))] == [(11, 2.5), (12, 3.0)]


def test_an_inner_loop_that_outlives_the_one_over_epochs_leaves_the_axes_to_the_next(run: Run) -> None:
    for _ in run.track(range(3), unit="epoch"):
        batches = run.track(range(10))
        next(batches)
        break
    del batches
    steps = [int(run.step) for _ in run.track(range(3))]
    assert steps == [2, 3, 4]


def test_loops_in_loops_that_may_be_meant_otherwise_are_named_with_the_cure(run: Run) -> None:
    with pytest.warns(LivecbWarning, match="If those are epochs, say unit='epoch' there; if not"):
        for _ in run.track(range(2)):
            list(run.track(range(3)))
    assert run.step == 2


@pytest.mark.parametrize("inner", [{"phase": "validate"}, {"unit": "prompt"}])
def test_loops_in_loops_that_are_told_apart_are_no_cause_for_a_warning(
    run: Run, inner: dict[str, str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in run.track(range(2)):
            list(run.track(range(3), **inner))  # type: ignore[arg-type]
    assert run.step == 2


def test_async_loops_side_by_side_leave_the_axes_to_the_first(run: Run, recorded: Recorded) -> None:
    async def work(count: int, unit: str) -> None:
        async for _ in run.atrack(arriving(count), unit=unit):
            pass

    async def both() -> None:
        await asyncio.gather(work(3, "batch"), work(5, "prompt"))

    asyncio.run(both())
    assert run.step == 3
    ends = {e.phase: e.done for e in of(events.Progress, recorded(run))}
    assert ends == {None: 3, "prompt": 5}
