from __future__ import annotations

from collections.abc import Callable, Iterator
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
