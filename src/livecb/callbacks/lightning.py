"""Lightning: `Trainer(callbacks=[LiveStream()])`, of `lightning.pytorch` or `pytorch_lightning`.

Axes: `step` is `trainer.global_step`, which counts every optimizer's steps; `batch` counts training
batches, whatever number of optimizers steps on each; `epoch` is `current_epoch` and the fraction of
it that is done. A step's values are recorded when the optimizer has stepped (with manual
optimization: after every batch), an epoch's when Lightning has reduced them: after the hook
`on_train_epoch_end` of the module, so that what it logs is among them.

Values are those of `self.log(...)` with `logger=True`, under the names loggers see. Reading them
earlier than Lightning reduces them would begin a collective on one rank alone. In a distributed
training values logged without `sync_dist` are those of rank 0, as in any logger.
"""

# ruff: noqa: D102 - the hooks are Lightning's, and described there

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from livecb.callbacks.base import (
    Session,
    Stream,
    batch_size,
    during,
    ending,
    learning_rates,
    model_card,
    opening,
)
from livecb.events import Totals
from livecb.meter import Meter
from livecb.run import Run

__all__ = ["LiveStream"]

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")
_CONTEXTS = {"validate": "val", "test": "test"}
_SETTINGS = (
    "max_epochs",
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "precision",
    "num_devices",
)


def _callback_class() -> Any:
    """Return the base class by which the trainers in use, and their command lines, know a callback."""
    names = [name for name in _PACKAGES if name in sys.modules]
    if not names:
        names = [name for name in _PACKAGES if importlib.util.find_spec(name.partition(".")[0])]
        names = names[:1] or [_PACKAGES[0]]
    bases = tuple(importlib.import_module(name).Callback for name in names)
    return bases[0] if len(bases) == 1 else type("Callback", bases, {})


class _Session(Session):
    """What is known of a fit, validation, test or prediction.

    Attributes:
        values: The last value read under each name, to tell a new one from one that is shown again.
        in_steps: Names recorded step by step, for which there is no other value.
        says_loss: Whether the module logs a loss of each step itself.
        checkpoints: State of each checkpoint file told of.
        saves: State of each checkpoint callback when last looked at.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.values: dict[str, Any] = {}
        self.in_steps: set[str] = set()
        self.says_loss = False
        self.checkpoints: dict[str, Any] = {}
        self.saves: dict[int, Any] = {}


class LiveStream(Stream, _callback_class()):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments.

    A run begins with the sanity check or the first batch of `fit`, or with `validate`, `test` or
    `predict`, each of which is a run of its own. A `fit` that has nothing to do makes none.
    """

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    # Training

    @opening
    def on_sanity_check_start(self, trainer: Any, pl_module: Any) -> None:
        self._open_for(trainer, pl_module)
        self.run.status("sanity_checking", "sanity_check")

    @opening
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if self._session is None:
            self._open_for(trainer, pl_module)
        if self._session is not None:
            self._begin_training(trainer, pl_module)

    @during
    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._tell_epoch(trainer)
        self._tell_checkpoints(trainer)

    @during
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._tell_checkpoints(trainer)

    @during
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        self._session.rates.update(_rates(trainer.optimizers, optimizer))

    @during
    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        session, automatic = self._session, pl_module.automatic_optimization
        before = session.step if automatic else session.batch
        session.batch = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        self._count_samples(trainer, batch)
        within = (batch_idx + 1) / trainer.num_training_batches  # 0 where that is infinite
        self._place(trainer, trainer.current_epoch + within)
        now = trainer.global_step if automatic else session.batch
        if now > before:
            session.step = trainer.global_step
            if self._is_nth(before, now):
                self._tell_step(trainer, outputs)
        self._tell_progress(session.meter, self._done(trainer))

    @during
    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._tell_epoch(trainer)
        self._tell_progress(self._session.meter, self._done(trainer), always=True)
        self._session.reason = _why_stopped(trainer)

    @ending
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._tell_epoch(trainer)
        self._tell_checkpoints(trainer)
        if isinstance(exception, SystemExit) and trainer.received_sigterm:
            self._end("killed", "SIGTERM")
            return
        if trainer.world_size > 1:
            self.run.alert("Rank 0 failed", "What failed first may be another rank: see its output", "ERROR")
        self._end_with(exception)

    @ending
    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self._tell_checkpoints(trainer)
        self._end(reason=self._session.reason)

    # Evaluation, inside a training or alone

    @opening
    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._begin_loop(trainer, pl_module, "validate", trainer.num_val_batches)

    @during
    def on_validation_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
        if not trainer.sanity_checking:
            self._advance_loop(trainer, "validate")

    @during
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._end_loop(trainer, "validate")

    @opening
    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin_loop(trainer, pl_module, "test", trainer.num_test_batches)

    @during
    def on_test_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
        self._advance_loop(trainer, "test")

    @during
    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        self._end_loop(trainer, "test")

    @opening
    def on_predict_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin_loop(trainer, pl_module, "predict", trainer.num_predict_batches)

    @during
    def on_predict_batch_end(self, trainer: Any, *args: Any, **kwargs: Any) -> None:
        self._advance_loop(trainer, "predict")

    @during
    def on_predict_end(self, trainer: Any, pl_module: Any) -> None:
        self._end_loop(trainer, "predict")

    # What the hooks are made of

    def _open_for(self, trainer: Any, module: Any) -> None:
        framework = _package(trainer)
        self._open(
            leads=trainer.is_global_zero,
            framework=framework,
            versions={name: str(sys.modules[name].__version__) for name in (framework, "torch")},
            config=_hyperparameters(trainer, module),
            world_size=trainer.world_size,
        )

    def _begin_training(self, trainer: Any, module: Any) -> None:
        session = self._session
        # Lightning restores what a checkpoint holds only just before this hook.
        session.step = trainer.global_step
        session.batch = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        several = isinstance(trainer.train_dataloader, (Mapping, list, tuple))
        session.samples = None if several or session.batch else 0
        session.values.clear()
        totals = _totals(trainer, module)
        self.run.configure(totals=totals, resumed_step=session.step or None)
        self._place(trainer, trainer.current_epoch)
        self.run.status("running", "train")
        by_step = module.automatic_optimization or trainer.max_steps > 0
        unit, total = ("step", totals.steps) if by_step else ("batch", totals.batches)
        session.meter = Meter(unit, total, "train", self._done(trainer, unit))
        self._tell_progress(session.meter, self._done(trainer), always=True)
        self._tell_checkpoints(trainer, silently=True)

    def _place(self, trainer: Any, epoch: float) -> None:
        session = self._session
        self.run.at(step=trainer.global_step, batch=session.batch, epoch=epoch, samples=session.samples)

    def _done(self, trainer: Any, unit: str | None = None) -> int:
        unit = unit or self._session.meter.unit
        return int(trainer.global_step if unit == "step" else self._session.batch)

    def _count_samples(self, trainer: Any, batch: Any) -> None:
        session = self._session
        if session.samples is not None:
            size = batch_size(batch)
            session.samples = None if size is None else session.samples + size * trainer.world_size
            self.run.samples = session.samples

    def _tell_step(self, trainer: Any, outputs: Any) -> None:
        session = self._session
        values = self._new_values(trainer)
        session.in_steps.update(values)
        session.says_loss = session.says_loss or any("loss" in name.lower() for name in values)
        if not session.says_loss:
            values.update(_loss(trainer, outputs))
        rates, session.rates = session.rates, {}
        if values or rates:
            self.run.log({**values, **rates}, context="train")

    def _tell_epoch(self, trainer: Any) -> None:
        """Record what Lightning has reduced at the end of an epoch; nothing if it was recorded."""
        values = self._new_values(trainer)
        values = {name: value for name, value in values.items() if name not in self._session.in_steps}
        if values:
            self.run.log(values, context="train")

    def _new_values(self, trainer: Any) -> dict[str, Any]:
        seen = self._session.values
        new = {
            name: value for name, value in trainer.logged_metrics.items() if _is_new(value, seen.get(name))
        }
        seen.update(new)
        return new

    def _begin_loop(self, trainer: Any, module: Any, phase: str, batches: Any) -> None:
        if self._session is None:
            self._open_for(trainer, module)
        session = self._session
        if session is None:
            return
        if session.meter is None:
            self.run.at(step=trainer.global_step, epoch=trainer.current_epoch)
        self._tell_checkpoints(trainer)
        self.run.status("predicting" if phase == "predict" else "evaluating", phase)
        total = sum(batches) if isinstance(batches, list) else batches
        session.loop, session.done = Meter("batch", _finite(total), phase), 0
        self._tell_progress(session.loop, 0, always=True)

    def _advance_loop(self, trainer: Any, phase: str) -> None:
        session = self._session
        session.done += 1
        self._tell_progress(session.loop, session.done)
        if phase in _CONTEXTS and (values := self._new_values(trainer)):
            session.in_steps.update(values)
            self.run.log(values, context=_CONTEXTS[phase])

    def _end_loop(self, trainer: Any, phase: str) -> None:
        session = self._session
        self._tell_progress(session.loop, session.done, always=True)
        session.loop = None
        if phase in _CONTEXTS:
            values = self._new_values(trainer)
            values = {name: value for name, value in values.items() if name not in session.in_steps}
            if values:
                self.run.log(values, context=_CONTEXTS[phase])
        if session.meter is not None:
            self.run.status("running", "train")

    def _tell_checkpoints(self, trainer: Any, *, silently: bool = False) -> None:
        """Record the files that checkpoint callbacks have written since this was last called."""
        session = self._session
        for callback in trainer.checkpoint_callbacks:
            state = _saving_state(callback)
            if session.saves.get(id(callback)) == state:
                continue
            session.saves[id(callback)] = state
            for path, score in _saved_files(callback).items():
                stamp = _stamp(path) or state
                if session.checkpoints.get(path) != stamp and not silently:
                    metric = getattr(callback, "monitor", None)
                    # Saving has just copied the whole model to the host: nothing is waited for here.
                    self.run.checkpoint(path, metric=metric, value=None if score is None else float(score))
                session.checkpoints[path] = stamp


def _package(trainer: Any) -> str:
    """Return the package whose Trainer this is, also when a user's class is derived from it."""
    roots = [cls.__module__.partition(".")[0] for cls in type(trainer).__mro__]
    return next(root for root in roots if root in ("lightning", "pytorch_lightning"))


def _hyperparameters(trainer: Any, module: Any) -> dict[str, Any]:
    found = {"model": model_card(module)}
    found["trainer"] = {
        name: value for name in _SETTINGS if (value := getattr(trainer, name, None)) is not None
    }
    for source in (module, trainer.datamodule):
        # save_hyperparameters(logger=False) keeps them from whoever records a training.
        if getattr(source, "_log_hyperparams", False) or getattr(source, "hparams", None):
            found.update(source.hparams)
    return found


def _totals(trainer: Any, module: Any) -> Totals:
    """Return how much there is to do, as far as that is known before it is done."""
    batches = _finite(trainer.num_training_batches)
    epochs: int | None = trainer.max_epochs if (trainer.max_epochs or -1) > 0 else None
    limit = trainer.max_steps if trainer.max_steps > 0 else None
    if batches is None or not module.automatic_optimization or _accumulation_changes(trainer):
        known = batches * epochs if batches and epochs else None
        return Totals(epochs=epochs, steps=limit, batches=known, batches_per_epoch=batches)
    group = trainer.accumulate_grad_batches
    steps = math.ceil(batches / group)  # of an epoch: its last batch always makes one
    if limit is not None and (epochs is None or limit < epochs * steps):
        whole, rest = divmod(limit, steps)
        seen = whole * batches + rest * group
        return Totals(epochs=seen / batches, steps=limit, batches=seen, batches_per_epoch=batches)
    if epochs is None:
        return Totals(batches_per_epoch=batches)
    return Totals(epochs=epochs, steps=epochs * steps, batches=epochs * batches, batches_per_epoch=batches)


def _accumulation_changes(trainer: Any) -> bool:
    return any(len(getattr(callback, "scheduling", ())) > 1 for callback in trainer.callbacks)


def _finite(count: Any) -> int | None:
    return int(count) if count is not None and math.isfinite(count) else None


def _rates(optimizers: Iterable[Any], stepping: Any) -> dict[str, Any]:
    """Return the learning rates of the optimizer that is about to step, as LearningRateMonitor names them."""
    kinds: list[str] = []
    for optimizer in optimizers:
        kind = f"lr-{type(optimizer).__name__}"
        name = f"{kind}-{kinds.count(kind)}" if kind in kinds else kind
        kinds.append(kind)
        if optimizer is stepping:
            break
    single = len(list(optimizers)) == 1 and len(stepping.param_groups) == 1
    return learning_rates(stepping, "lr" if single else name)


def _loss(trainer: Any, outputs: Any) -> dict[str, Any]:
    """Return the loss of a step as `training_step` returned it."""
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
    if loss is None:
        return {}
    if trainer.lightning_module.automatic_optimization and trainer.accumulate_grad_batches > 1:
        loss = loss * trainer.accumulate_grad_batches  # Lightning divided it by that
    return {"loss": loss}


def _is_new(value: Any, before: Any) -> bool:
    """Whether a value was logged since `before` was read.

    Lightning's dictionaries show old values again, as new tensors on the same memory, which cannot
    have been given to another one as long as we hold `before`.
    """
    if value is before:
        return False
    if before is None or not hasattr(value, "data_ptr") or not hasattr(before, "data_ptr"):
        return True
    return bool(value.data_ptr() != before.data_ptr() or value.data_ptr() == 0)


def _why_stopped(trainer: Any) -> str | None:
    if not trainer.should_stop:
        return None
    timers = [callback for callback in trainer.callbacks if hasattr(callback, "time_remaining")]
    left = [timer.time_remaining("train") for timer in timers]
    return "max_time" if any(each is not None and each <= 0 for each in left) else "early_stopped"


def _saving_state(callback: Any) -> tuple[Any, ...]:
    """Return what changes whenever a checkpoint callback saves."""
    names = ("_last_global_step_saved", "best_model_path", "last_model_path")
    return tuple(getattr(callback, name, None) for name in names)


def _saved_files(callback: Any) -> dict[str, Any]:
    """Return the checkpoints a callback keeps, each with the score it was saved for."""
    files = dict(getattr(callback, "best_k_models", {}))
    score = getattr(callback, "current_score", None)
    for path in (getattr(callback, "best_model_path", ""), getattr(callback, "last_model_path", "")):
        if path:
            files.setdefault(path, score)
    return files


def _stamp(path: str) -> Any:
    """Return what changes when a file is overwritten; None if it cannot be seen from here."""
    return os.stat(path).st_mtime_ns if os.path.exists(path) else None
