"""Lightning: when a run begins, what it goes through, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import tiny
from tiny_cli import use_command_line
from torch.utils.data import DataLoader

import livecb
from livecb import events
from livecb.callbacks.lightning import LiveStream
from livecb.testing import Recorded

Net = tiny.module_class(pl)


def fit(folder: Path, module: Any = None, val: Any = None, callbacks: Any = (), **settings: Any) -> Any:
    """Train with our callback; return the trainer."""
    ckpt_path = settings.pop("ckpt_path", None)
    trainer = tiny.trainer_of(pl, folder, [tiny.live_stream("lightning"), *callbacks], **settings)
    trainer.fit(module or Net(), tiny.loader(), val, ckpt_path=ckpt_path)
    return trainer


def end(recorded: Recorded) -> events.RunEnded:
    (ended,) = recorded.of(events.RunEnded)
    return ended


class At(pl.Callback):
    """Does something after the n-th batch."""

    def __init__(self, batch: int, action: Any) -> None:
        self.batch = batch
        self.action = action

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        if trainer.fit_loop.epoch_loop.total_batch_idx + 1 == self.batch:
            self.action(trainer)


@pytest.fixture
def _signals() -> Iterator[None]:
    """Lightning leaves Ctrl-C ignored behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_of_a_sanity_check_nothing_but_its_name_is_recorded(recorded: Recorded, tmp_path: Path) -> None:
    fit(tmp_path, val=tiny.loader(4), num_sanity_val_steps=2, max_epochs=1)
    story = tiny.story(recorded.events)
    assert story[:4] == ["run_started", "sanity_checking sanity_check", "running train", "metrics train @1"]
    assert story.count("evaluating validate") == 1
    first = next(event for event in recorded.of(events.Metrics) if event.context == "val")
    assert first.step == 5


@pytest.mark.parametrize(
    ("verb", "status", "context"),
    [("validate", "evaluating", "val"), ("test", "evaluating", "test"), ("predict", "predicting", None)],
)
def test_each_verb_alone_is_a_run_of_its_own(
    verb: str, status: str, context: str | None, either_package: Any, recorded: Recorded, tmp_path: Path
) -> None:
    class Complete(tiny.module_class(either_package)):  # type: ignore[misc]
        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.log("test_loss", self.loss(batch))

        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            return self.net(batch[0])

    trainer = tiny.trainer_of(either_package, tmp_path, [tiny.live_stream("lightning")])
    result = getattr(trainer, verb)(
        Complete(), tiny.loader(4), **({} if verb == "predict" else {"verbose": False})
    )
    values = [f"metrics {context} @0"] if context else []
    assert tiny.story(recorded.events) == ["run_started", f"{status} {verb}", *values, "run_ended completed"]
    assert not context or [event.values for event in recorded.of(events.Metrics)] == result
    first, last = recorded.of(events.Progress)[:: max(1, len(recorded.of(events.Progress)) - 1)]
    assert (first.done, last.done, last.total, last.unit, last.phase) == (0, 2, 2, "batch", verb)


def test_a_test_after_a_training_is_another_run_at_its_step(recorded: Recorded, tmp_path: Path) -> None:
    trainer = fit(tmp_path, max_epochs=1)
    trainer.validate(Net(), tiny.loader(4), verbose=False)
    fitted, validated = recorded.runs
    (event,) = recorded.of(events.Metrics, validated)
    assert (event.step, event.epoch) == (5, 1)
    assert tiny.story(recorded.events_of(fitted))[-1] == "run_ended completed"


def test_early_stopping_is_a_completed_run_with_its_reason(recorded: Recorded, tmp_path: Path) -> None:
    stopping = pl.callbacks.EarlyStopping("val_loss", patience=1, min_delta=1e9)
    fit(tmp_path, val=tiny.loader(4), callbacks=[stopping], max_epochs=9)
    assert (end(recorded).status, end(recorded).reason) == ("completed", "early_stopped")


def test_a_training_whose_time_is_up_says_so(recorded: Recorded, tmp_path: Path) -> None:
    wait = At(2, lambda trainer: time.sleep(0.2))
    fit(tmp_path, max_time={"milliseconds": 150}, max_epochs=-1, callbacks=[wait])
    assert (end(recorded).status, end(recorded).reason) == ("completed", "max_time")


def test_an_exception_is_a_failed_run_with_its_traceback(
    either_package: Any, recorded: Recorded, tmp_path: Path
) -> None:
    class Broken(tiny.module_class(either_package)):  # type: ignore[misc]
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if batch_idx == 2:
                raise ValueError("a bug of yours")
            return self.loss(batch)

    trainer = tiny.trainer_of(either_package, tmp_path, [tiny.live_stream("lightning")])
    with pytest.raises(ValueError, match="a bug of yours"):
        trainer.fit(Broken(), tiny.loader())
    ended = end(recorded)
    assert (ended.status, ended.error, ended.step) == ("failed", "ValueError: a bug of yours", 2)
    assert "training_step" in ended.traceback


def test_an_exception_while_validating_is_a_failed_run(recorded: Recorded, tmp_path: Path) -> None:
    class Broken(Net):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", 1.0)
            raise ValueError("a bug of yours")

    with pytest.raises(ValueError, match="a bug of yours"):
        fit(tmp_path, Broken(), tiny.loader(4))
    assert end(recorded).status == "failed"
    assert {event.context for event in recorded.of(events.Metrics)} == {"train"}


@pytest.mark.usefixtures("_signals")
def test_ctrl_c_is_a_stopped_run(recorded: Recorded, tmp_path: Path) -> None:
    interrupt = At(3, lambda trainer: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(SystemExit):
        fit(tmp_path, callbacks=[interrupt])
    assert (end(recorded).status, end(recorded).reason) == ("stopped", "KeyboardInterrupt")


@pytest.mark.usefixtures("_signals")
def test_sigterm_is_a_killed_run(recorded: Recorded, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        fit(tmp_path, callbacks=[At(3, lambda trainer: os.kill(os.getpid(), signal.SIGTERM))])
    ended = end(recorded)
    assert (ended.status, ended.reason, ended.step) == ("killed", "SIGTERM", 3)


@pytest.mark.usefixtures("_signals")
def test_ctrl_c_ends_also_a_run_that_was_given(recorded: Recorded, tmp_path: Path) -> None:
    run = livecb.init(system_interval=0, capture=None)
    trainer = tiny.trainer_of(
        pl, tmp_path, [LiveStream(run=run), At(3, lambda trainer: os.kill(os.getpid(), signal.SIGINT))]
    )
    with pytest.raises(SystemExit), run:
        trainer.fit(Net(), tiny.loader())
    assert end(recorded).status == "stopped"


def test_an_error_before_the_training_makes_no_run(recorded: Recorded, tmp_path: Path) -> None:
    class Broken(Net):
        def configure_optimizers(self) -> Any:
            raise ValueError("a bug of yours")

    with pytest.raises(ValueError, match="a bug of yours"):
        fit(tmp_path, Broken())
    assert recorded.runs == []


def test_a_fit_that_has_nothing_to_do_makes_no_run(recorded: Recorded, tmp_path: Path) -> None:
    trainer = fit(tmp_path, max_epochs=1)
    trainer.fit(trainer.lightning_module, tiny.loader())
    assert len(recorded.runs) == 1


def test_a_fit_that_goes_on_is_another_run_that_says_from_where(recorded: Recorded, tmp_path: Path) -> None:
    trainer = fit(tmp_path, max_epochs=1)
    trainer.fit_loop.max_epochs = 2
    trainer.fit(trainer.lightning_module, tiny.loader())
    _, second = recorded.runs
    assert recorded.of(events.Config, second)[0].resumed_step == 5
    first = recorded.of(events.Metrics, second)[0]
    assert (first.step, first.batch, first.epoch, first.samples) == (6, 6, 1.2, None)


@pytest.mark.parametrize(
    ("every", "step", "epoch"), [({"every_n_epochs": 1}, 5, 1.2), ({"every_n_train_steps": 3}, 3, 0.8)]
)
def test_a_training_that_is_taken_up_again_goes_on_where_it_was(
    every: dict[str, int], step: int, epoch: float, recorded: Recorded, tmp_path: Path
) -> None:
    saving = pl.callbacks.ModelCheckpoint(tmp_path / "saved", **every)
    fit(tmp_path, callbacks=[saving], max_epochs=1)
    saving = pl.callbacks.ModelCheckpoint(tmp_path / "saved", **every)
    fit(tmp_path, callbacks=[saving], max_epochs=2, ckpt_path=saving_path(recorded))
    _, second = recorded.attempts()
    told = {kind: [event for event in second if isinstance(event, kind)] for kind in set(map(type, second))}
    assert told[events.Config][0].resumed_step == step
    begun = told[events.Progress][0]
    assert (begun.done, begun.total, begun.epoch) == (step, 10, pytest.approx(step / 5))
    first, *_, last = told[events.Metrics]
    assert (first.step, first.batch, first.epoch) == (step + 1, step + 1, pytest.approx(epoch))
    assert last.epoch == 2
    assert told[events.Checkpoint][0].step > step


def saving_path(recorded: Recorded) -> str:
    return recorded.of(events.Checkpoint)[-1].path


def test_searching_a_learning_rate_makes_no_run_of_its_own(recorded: Recorded, tmp_path: Path) -> None:
    trainer = tiny.trainer_of(pl, tmp_path, [tiny.live_stream("lightning")])
    module = Net()
    pl.tuner.Tuner(trainer).lr_find(module, tiny.loader(), num_training=3, attr_name="rate")
    assert recorded.runs == []
    trainer.fit(module, tiny.loader())
    assert recorded.of(events.RunStarted)[0].config["rate"] == module.hparams.rate


def test_a_search_within_the_training_is_not_recorded(recorded: Recorded, tmp_path: Path) -> None:
    finder = pl.callbacks.LearningRateFinder(num_training_steps=3, attr_name="rate")
    trainer = fit(tmp_path, callbacks=[finder])
    assert [event.step for event in recorded.of(events.Metrics) if "lr" in event.values] == list(range(1, 11))
    assert trainer.global_step == 10


def test_two_of_our_callbacks_can_be_used_at_once(recorded: Recorded, tmp_path: Path) -> None:
    fit(tmp_path, callbacks=[tiny.live_stream("lightning", name="other")])
    stories = [tiny.story(recorded.events_of(run)) for run in recorded.runs]
    assert len(stories) == 2
    assert stories[0] == stories[1]


def test_a_batch_that_ends_the_epoch_early_is_no_trouble(recorded: Recorded, tmp_path: Path) -> None:
    class Skipping(Net):
        def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
            return -1 if batch_idx == 2 else None

    fit(tmp_path, Skipping())
    places = [(event.step, event.epoch) for event in recorded.of(events.Metrics) if "lr" in event.values]
    assert places == [(1, 0.2), (2, 0.4), (3, 1.2), (4, 1.4)]
    assert end(recorded).status == "completed"


def test_workers_that_load_data_add_nothing_to_the_run(recorded: Recorded, tmp_path: Path) -> None:
    trainer = tiny.trainer_of(pl, tmp_path, [tiny.live_stream("lightning")])
    trainer.fit(Net(), DataLoader(tiny.dataset(10), 2, num_workers=2, persistent_workers=True))
    assert [path.name for path in recorded.run.folder.glob("*.jsonl")] == ["events.jsonl"]
    assert len(recorded.of(events.RunEnded)) == 1


@pytest.mark.parametrize(
    "settings", [{"fast_dev_run": True}, {"overfit_batches": 1}, {"limit_val_batches": 0}]
)
def test_trials_of_a_trainer_are_runs_too(settings: Any, recorded: Recorded, tmp_path: Path) -> None:
    trainer = fit(tmp_path, val=tiny.loader(4), **settings)
    steps = [event.step for event in recorded.of(events.Metrics) if "lr" in event.values]
    assert steps == list(range(1, trainer.global_step + 1))
    assert end(recorded).status == "completed"


def write_config(folder: Path) -> Path:
    path = folder / "given" / "config.yaml"
    path.parent.mkdir()
    path.write_text(
        "trainer:\n"
        "  max_epochs: 1\n  accelerator: cpu\n  logger: false\n"
        "  enable_progress_bar: false\n  enable_model_summary: false\n"
        f"  default_root_dir: {folder}\n"
        "  callbacks:\n"
        "  - class_path: livecb.callbacks.lightning.LiveStream\n"
        "    init_args:\n"
        "      name: from a file\n      tags: [a, b]\n      config: {mine: 1}\n      every_n_steps: 2\n"
        "      sinks:\n      - class_path: livecb.sinks.File\n        init_args:\n"
        f"          path: {folder}/copy.jsonl\n"
    )
    return path


def check_command_line(recorded: Recorded, folder: Path) -> None:
    (started,) = recorded.of(events.RunStarted)
    assert (started.name, started.tags, started.config["mine"]) == ("from a file", ["a", "b"], 1)
    assert end(recorded).status == "completed"
    assert len((folder / "copy.jsonl").read_bytes().splitlines()) == len(recorded.events)


def test_the_command_line_takes_the_callback_from_a_file(recorded: Recorded, tmp_path: Path) -> None:
    use_command_line("lightning.pytorch", str(write_config(tmp_path)))
    check_command_line(recorded, tmp_path)


@pytest.mark.parametrize("beside", ["", "import lightning.pytorch, livecb.callbacks.lightning;"])
def test_the_command_line_of_pytorch_lightning_takes_it_too(
    beside: str, recorded: Recorded, tmp_path: Path
) -> None:
    script = (
        f"{beside}import sys, pytorch_lightning, tiny\n"
        "from tiny_cli import use_command_line\n"
        f"use_command_line('pytorch_lightning', {str(write_config(tmp_path))!r})\n"
        f"assert ('lightning' in sys.modules) is {bool(beside)}\n"
    )
    installed = Path(pl.__file__).parents[2]
    if not beside:
        installed = without_lightning(installed, tmp_path / "site")
    path = os.pathsep.join(map(str, (installed, Path(livecb.__file__).parents[1], Path(__file__).parent)))
    subprocess.run(
        [sys.executable, "-S", "-W", "ignore", "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    check_command_line(recorded, tmp_path)
    assert recorded.of(events.RunStarted)[0].framework == "pytorch_lightning"


def without_lightning(installed: Path, site: Path) -> Path:
    """Return a folder with all that is installed but the package `lightning`."""
    site.mkdir()
    for each in installed.iterdir():
        if each.name != "lightning" and not each.name.startswith(("lightning-", "__")):
            (site / each.name).symlink_to(each)
    return site
