"""Readers steer trainings of Lightning and of the Hugging Face Trainer, in one process and in two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import steered
import tiny
import torch
from pairs import free_port, pair

import livecb
from livecb import events
from livecb.control.commands import Asked, wish
from livecb.testing import Recorded
from wishes import answered, hf_reader, lightning_reader, tell

Wishes = dict[int, list[Asked]]


def fit(folder: Path, at: Wishes, module: Any = None, live: Any = None, **settings: Any) -> tuple[Any, Any]:
    """Train 10 steps with Lightning, unless it is stopped; return the trainer and who asked."""
    live = live or tiny.live_stream("lightning")
    reader = lightning_reader(pl, at, live)
    ckpt_path = settings.pop("ckpt_path", None)
    trainer = tiny.trainer_of(pl, folder, [reader, live], **settings)
    trainer.fit(module or tiny.module_class(pl)(), tiny.loader(), tiny.loader(4), ckpt_path=ckpt_path)
    return trainer, reader


def train(folder: Path, at: Wishes, **settings: Any) -> tuple[Any, Any]:
    """Train 10 steps with the Hugging Face Trainer, unless it is stopped."""
    live = tiny.live_stream("transformers")
    reader = hf_reader(at, live)
    trainer = tiny.hf_trainer(folder, [reader, live], learning_rate=0.1, **settings)
    trainer.train()
    return trainer, reader


def last(recorded: Recorded) -> Any:
    return recorded.events[-1]


# Lightning


def test_a_stopped_fit_leaves_a_checkpoint_that_the_next_one_goes_on_from(
    recorded: Recorded, tmp_path: Path
) -> None:
    trainer, _ = fit(tmp_path, {3: [wish("stop", by="ada")]})
    assert trainer.global_step == 3
    assert answered(recorded.events) == [("stop", "applied", 3)]
    end = last(recorded)
    assert (end.status, end.by, end.reason) == ("stopped", "ada", None)
    (applied,) = [event for event in recorded.of(events.Command) if event.phase == "applied"]
    paths = [event.path for event in recorded.of(events.Checkpoint)]
    assert applied.reason in paths
    again, _ = fit(tmp_path, {}, ckpt_path=applied.reason)
    assert again.global_step == 10


def test_a_stop_that_lightning_puts_off_says_until_when(recorded: Recorded, tmp_path: Path) -> None:
    trainer, _ = fit(tmp_path, {2: [wish("stop")]}, min_steps=7)
    assert trainer.global_step == 7
    (applied,) = [event for event in recorded.of(events.Command) if event.phase == "applied"]
    assert "min_steps" in applied.reason


def test_a_fit_saves_when_it_is_told_to_and_goes_on(recorded: Recorded, tmp_path: Path) -> None:
    trainer, _ = fit(tmp_path, {4: [wish("save")]}, enable_checkpointing=False)
    assert trainer.global_step == 10
    assert answered(recorded.events) == [("save", "applied", 4)]
    (saved,) = recorded.of(events.Checkpoint)
    assert torch.load(saved.path, weights_only=False)["global_step"] == 4
    assert last(recorded).status == "completed"


def test_a_fit_pauses_between_two_batches(recorded: Recorded, tmp_path: Path) -> None:
    trainer, _ = fit(tmp_path, {2: [wish("pause", 0.4)]})
    assert trainer.global_step == 10
    assert answered(recorded.events) == [("pause", "applied", 2), ("resume", "applied", 2)]
    pause, resume = (event for event in recorded.of(events.Command) if event.phase == "applied")
    assert 0.3 < resume.time - pause.time < 5
    said = [(e.status, e.phase) for e in recorded.of(events.Status)]
    assert said[said.index(("paused", "train")) + 1] == ("running", "train")


def test_a_learning_rate_is_set_and_the_schedule_goes_on_from_it(recorded: Recorded, tmp_path: Path) -> None:
    _, reader = fit(tmp_path, {2: [wish("set", 0.4, parameter="lr")]}, max_steps=5)
    assert reader.rates == pytest.approx([0.1, 0.05, 0.4, 0.2, 0.1])
    (applied,) = [event for event in recorded.of(events.Command) if event.phase == "applied"]
    assert (applied.parameter, applied.old, applied.new) == ("lr", pytest.approx(0.025), 0.4)
    assert "ExponentialLR" in applied.reason
    used = tiny.steps_of(recorded.events)["lr"]
    assert [rate for _, rate in used] == pytest.approx(reader.rates)


class TwoOptimizers(tiny.module_class(pl)):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> None:
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.loss(batch))
            optimizer.step()

    def configure_optimizers(self) -> Any:
        parts = [self.net[0], self.net[2]]
        return [torch.optim.SGD(part.parameters(), 0.1) for part in parts]


def test_of_two_optimizers_each_has_a_rate_of_its_own(recorded: Recorded, tmp_path: Path) -> None:
    trainer, _ = fit(tmp_path, {4: [wish("set", 0.4, parameter="lr-SGD-1")]}, TwoOptimizers(), max_epochs=1)
    assert [each.param_groups[0]["lr"] for each in trainer.optimizers] == [0.1, 0.4]
    assert answered(recorded.events) == [("set", "applied", 4)]


def test_what_a_fit_does_not_do_is_refused_with_the_reason(recorded: Recorded, tmp_path: Path) -> None:
    trainer, _ = fit(tmp_path, {1: [wish("evaluate"), wish("set", 1.0, parameter="dropout")]})
    assert trainer.global_step == 10
    assert answered(recorded.events) == [("evaluate", "refused", 1), ("set", "refused", 1)]
    able = recorded.of(events.Controls)[-1]
    assert "val_check_interval" in able.commands["evaluate"]
    assert [each.name for each in able.parameters] == ["lr"]


def test_who_gives_the_run_names_values_of_their_own(recorded: Recorded, tmp_path: Path) -> None:
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        weight = run.control("weight", 1.0)
        fit(
            tmp_path, {2: [wish("set", 3.0, parameter="weight")]}, live=tiny.live_stream("lightning", run=run)
        )
        assert weight.value == 3.0
        assert "over" in recorded.of(events.Controls)[-1].commands["pause"]
        list(run.track(range(1)))
        able = recorded.of(events.Controls)[-1]
        assert [name for name, why in able.commands.items() if not why] == ["pause", "resume", "stop"]
        assert [(each.name, each.value) for each in able.parameters] == [("weight", 3.0)]


def test_readers_are_kept_out_where_the_user_says_so(recorded: Recorded, tmp_path: Path) -> None:
    fit(tmp_path, {}, live=tiny.live_stream("lightning", control=False))
    assert recorded.of(events.Controls) == []


def test_what_the_user_offered_is_there_again_after_a_training_that_had_samples_too(
    recorded: Recorded, tmp_path: Path
) -> None:
    sampled: list[str] = []
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        run.offer("sample", lambda: sampled.append("theirs"))

        class Draws(pl.Callback):  # type: ignore[misc]
            def on_train_start(self, trainer: Any, module: Any) -> None:
                live._helm.offer("sample", lambda: sampled.append("ours"))

        live = tiny.live_stream("lightning", run=run)
        reader = lightning_reader(pl, {2: [wish("sample")]}, live)
        tiny.trainer_of(pl, tmp_path, [live, Draws(), reader], max_epochs=1).fit(
            tiny.module_class(pl)(), tiny.loader()
        )
        assert sampled == ["theirs", "ours"]
        for step in run.track(range(2)):
            if step == 0:
                tell(run, wish("sample"))
        assert sampled == ["theirs", "ours", "theirs"]


# transformers


def test_a_stopped_trainer_leaves_a_checkpoint_that_the_next_one_goes_on_from(
    recorded: Recorded, tmp_path: Path
) -> None:
    trainer, _ = train(tmp_path, {3: [wish("stop", by="ada")]})
    assert trainer.state.global_step == 3
    end = last(recorded)
    assert (end.status, end.by, end.reason) == ("stopped", "ada", None)
    (saved,) = recorded.of(events.Checkpoint)
    assert saved.path.endswith("checkpoint-3")
    again = tiny.hf_trainer(tmp_path, [])
    again.train(resume_from_checkpoint=saved.path)
    assert again.state.global_step == 10


def test_a_trainer_saves_and_evaluates_when_it_is_told_to(recorded: Recorded, tmp_path: Path) -> None:
    at = {2: [wish("save")], 4: [wish("evaluate")]}
    trainer, _ = train(tmp_path, at, eval_strategy="steps", eval_steps=100)
    assert answered(recorded.events) == [("save", "applied", 2), ("evaluate", "applied", 4)]
    assert [Path(each.path).name for each in recorded.of(events.Checkpoint)] == ["checkpoint-2"]
    assert [step for step, _ in tiny.steps_of(recorded.events)["eval_loss"]] == [4, 10]
    assert trainer.state.global_step == 10


def test_a_trainer_without_evaluation_says_what_it_lacks(recorded: Recorded, tmp_path: Path) -> None:
    train(tmp_path, {1: [wish("evaluate")]})
    assert answered(recorded.events) == [("evaluate", "refused", 1)]
    assert "eval_strategy" in recorded.of(events.Controls)[-1].commands["evaluate"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.1] * 4 + [0.5] * 6),
        ("linear", [0.1, 0.09, 0.08, 0.07, 0.5, *(0.5 * left / 6 for left in (5, 4, 3, 2, 1))]),
    ],
)
def test_a_trainers_learning_rate_is_set_for_good(
    recorded: Recorded, tmp_path: Path, schedule: str, expected: list[float]
) -> None:
    at = {4: [wish("set", 0.5, parameter="lr")]}
    _, reader = train(tmp_path, at, lr_scheduler_type=schedule)
    assert reader.rates == pytest.approx(expected)
    (applied,) = [event for event in recorded.of(events.Command) if event.phase == "applied"]
    assert (applied.old, applied.new, applied.step) == (
        pytest.approx(expected[3] if schedule == "constant" else 0.06),
        0.5,
        4,
    )


# Two processes


@pytest.mark.parametrize("framework", ["lightning", "transformers"])
def test_two_processes_obey_at_the_same_step_and_none_hangs(
    framework: str, recorded: Recorded, tmp_path: Path
) -> None:
    train = {"lightning": steered.train_lightning, "transformers": steered.train_transformers}[framework]
    told = pair(train, str(tmp_path))
    assert told[0] == told[1]
    assert 0.5 in told[0]["rates"]
    assert len(told[0]["rates"]) < 300
    names = [(name, phase) for name, phase, _ in answered(recorded.events)]
    assert names == [(name, "applied") for name in ("pause", "resume", "sample", "set", "stop")]
    drawn = recorded.of(events.Image if framework == "lightning" else events.Sample)
    assert len([each for each in drawn if each.step < last(recorded).step]) == 1
    assert last(recorded).status == "stopped"
    assert last(recorded).by == "ada"
    assert any("ckpt" in event.path or "checkpoint" in event.path for event in recorded.of(events.Checkpoint))
    pause, resume = (
        event
        for event in recorded.of(events.Command)
        if event.name in ("pause", "resume") and event.phase == "applied"
    )
    assert resume.time - pause.time > 0.4
    assert resume.step == pause.step


def test_two_processes_of_skorch_obey_with_a_history_each_and_with_one_that_they_share(
    recorded: Recorded, tmp_path: Path
) -> None:
    told, others = pair(steered.train_skorch, str(tmp_path), free_port())
    assert told == others
    for run, left, rows in zip(recorded.runs, told, (4, 8), strict=True):
        assert left["rows"][0] == rows
        assert 0.05 in left["rates"]
        (started,) = recorded.of(events.RunStarted, run)
        assert (started.world_size, started.totals.steps, started.config["model"]["class"]) == (2, 240, "Net")
        steps = [event for event in recorded.of(events.Metrics, run) if "train_loss_step" in event.values]
        assert [(event.step, event.samples) for event in steps] == [
            (step, 4 * step) for step in range(1, len(left["rates"]) + 1)
        ]
        became = answered(recorded.events_of(run))
        assert [(name, phase) for name, phase, _ in became] == [
            (name, "applied") for name in ("set", "save", "stop")
        ]
        (end,) = recorded.of(events.RunEnded, run)
        assert (end.status, end.by, end.step) == ("stopped", "ada", len(left["rates"]))
        *_, saved = recorded.of(events.Checkpoint, run)
        found = torch.load(Path(saved.path, "train_end_params.pt"))
        assert [each.tolist() for each in found.values()] == left["weights"]


def test_a_process_whose_others_have_no_callback_trains_on_and_refuses(
    recorded: Recorded, tmp_path: Path
) -> None:
    pair(steered.train_alone, str(tmp_path))
    able = recorded.of(events.Controls)[-1]
    assert "not all of them have this callback" in able.commands["stop"]
    assert last(recorded).status == "completed"
