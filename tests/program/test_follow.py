"""From output to events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import livecb
from livecb import events
from livecb.errors import LivecbWarning
from livecb.program.follow import Follower
from livecb.program.lines import Line, Lines
from livecb.program.patterns import parse_pattern
from livecb.testing import Recorded, record


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with record() as found:
        yield found


def follow(*chunks: str, own: tuple[str, ...] = ()) -> None:
    run = livecb.init(capture=None, system_interval=0)
    follower = Follower(run, [parse_pattern(each) for each in own])
    for chunk in chunks:
        follower.tell("stdout", chunk.encode())
    follower.close()
    run.finish()


def metrics(recorded: Recorded) -> list[tuple[Any, ...]]:
    return [(e.step, e.epoch, e.context, dict(e.values)) for e in recorded.of(events.Metrics)]


def test_keras_counts_on_over_its_epochs(recorded: Recorded) -> None:
    bar = "━" * 20
    follow(
        "Epoch 1/2\n",
        f"\r1/4 {bar} 1s 20ms/step - loss: 0.9",
        f"\r2/4 {bar} 1s 20ms/step - loss: 0.8",
        f"\r4/4 {bar} 1s 20ms/step - loss: 0.7 - val_loss: 0.75\n",
        "Epoch 2/2\n",
        f"\r2/4 {bar} 1s 20ms/step - loss: 0.6\r4/4 {bar} 1s 20ms/step - loss: 0.5 - val_loss: 0.55\n",
    )
    assert metrics(recorded) == [
        (1, 0.25, None, {"loss": 0.9}),
        (2, 0.5, None, {"loss": 0.8}),
        (4, 1.0, None, {"loss": 0.7, "val_loss": 0.75}),
        (6, 1.5, None, {"loss": 0.6}),
        (8, 2.0, None, {"loss": 0.5, "val_loss": 0.55}),
    ]
    assert [(e.done, e.total) for e in recorded.of(events.Progress)][-1] == (8, 8)
    assert [e.message for e in recorded.of(events.Log)][0::2] == ["Epoch 1/2", "Epoch 2/2"]


def test_a_bar_an_epoch_counts_on_and_one_that_validates_does_not(recorded: Recorded) -> None:
    def bar(label: str, done: int, total: int, said: str = "") -> str:
        return f"\r{label} 50%|██| {done}/{total} [00:01<00:01, 9.1it/s{said}]"

    follow(
        *[
            bar(f"Epoch {epoch}:", done, 10, f", loss=0.{epoch}{done}") + ("\n" if done == 10 else "")
            for epoch in (0, 1)
            for done in (5, 10)
        ],
        bar("Validation:", 3, 5) + "\n",
        "val_loss: 0.5\n",
    )
    assert metrics(recorded) == [
        (5, 0.5, None, {"loss": 0.05}),
        (10, 1.0, None, {"loss": 0.01}),
        (15, 1.5, None, {"loss": 0.15}),
        (20, 2.0, None, {"loss": 0.11}),
        (20, 2.0, None, {"val_loss": 0.5}),
    ]
    assert [(e.phase, e.done, e.total) for e in recorded.of(events.Progress)][-1] == ("Validation", 3, 5)


def test_the_trainer_of_transformers_has_the_step_of_its_bar(recorded: Recorded) -> None:
    follow(
        "\r  0%|          | 0/20 [00:00<?, ?it/s]",
        "\r 25%|██▌       | 5/20 [00:00<00:00, 31.17it/s]",
        "\r                                              ",
        "\r{'loss': '0.69', 'learning_rate': '4e-05', 'epoch': '0.5'}\n",
        "\r 25%|██▌       | 5/20 [00:00<00:00, 31.17it/s]",
        "\r100%|██████████| 2/2 [00:00<00:00, 300it/s]",
        "\r{'eval_loss': '0.68', 'epoch': '0.5'}\n",
    )
    assert metrics(recorded) == [
        (5, 0.5, None, {"loss": 0.69, "learning_rate": 4e-5}),
        (5, 0.5, None, {"eval_loss": 0.68}),
    ]
    assert [e.message[:11] for e in recorded.of(events.Log)] == ["{'loss': '0", "{'eval_loss"]


def test_steps_within_an_epoch_count_on(recorded: Recorded) -> None:
    follow(*[f"Epoch [{e}/2], Step [{s}/4], Loss: 0.{e}{s}\n" for e in (1, 2) for s in (2, 4)])
    assert [(step, epoch) for step, epoch, _, _ in metrics(recorded)] == [(2, 0.5), (4, 1), (6, 1.5), (8, 2)]


def test_a_bar_that_is_drawn_again_says_nothing_new(recorded: Recorded) -> None:
    follow("\r 50%|██| 5/10 [00:01<00:01, 9it/s, loss=0.5]" * 5 + "\n")
    assert metrics(recorded) == [(5, None, None, {"loss": 0.5})]


def test_the_same_value_in_another_place_is_another_point(recorded: Recorded) -> None:
    follow("step 1 loss: 0.5\nstep 2 loss: 0.5\nloss: 0.5\n")
    assert [(step, values) for step, _, _, values in metrics(recorded)] == [
        (1, {"loss": 0.5}), (2, {"loss": 0.5}), (2, {"loss": 0.5}),
    ]  # fmt: skip


def test_what_stands_in_a_traceback_is_no_metric(recorded: Recorded) -> None:
    follow('Traceback (most recent call last):\n  File "a.py", line 3, in f\n    loss = 0.5\nValueError: x\n')
    assert metrics(recorded) == []
    assert len(recorded.of(events.Log)) == 4


def test_a_place_that_is_none_is_told_and_the_rest_recorded(recorded: Recorded) -> None:
    with pytest.warns(LivecbWarning, match="step was left out: it is nan: expected a finite number"):
        follow("at nan loss: 0.5\nat 3 loss: 0.4\n", own=(r"step=at (\S+)",))
    assert [(step, values) for step, _, _, values in metrics(recorded)] == [
        (1, {"loss": 0.5}),
        (3, {"loss": 0.4}),
    ]
    assert [event.message for event in recorded.of(events.Log)] == ["at nan loss: 0.5", "at 3 loss: 0.4"]


def test_lines_of_other_contexts_are_told_apart(recorded: Recorded) -> None:
    follow("Epoch 3 | Train loss: 0.3 | Val loss: 0.4\n")
    assert metrics(recorded) == [(1, 3, "train", {"loss": 0.3}), (1, 3, "val", {"loss": 0.4})]


def test_output_that_breaks_the_recording_does_not_keep_the_program_waiting(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Lines.feed

    def break_once(self: Lines, data: bytes, *, last: bool = False) -> Iterator[Line]:
        if data == b"odd":
            raise RuntimeError("a bug of ours")
        yield from feed(self, data, last=last)

    monkeypatch.setattr(Lines, "feed", break_once)
    with pytest.warns(LivecbWarning, match="was not recorded: RuntimeError"):
        follow("odd", "loss: 0.5\n")
    assert metrics(recorded) == [(1, None, None, {"loss": 0.5})]
