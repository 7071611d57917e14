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

import sys
from collections.abc import Mapping
from typing import Any

from livecb.callbacks import lightning_trainer as asked
from livecb.callbacks.base import Session, Stream, batch_size, during, ending, on_host, opening
from livecb.callbacks.helm import obeying, steering
from livecb.callbacks.lightning_control import take_helm
from livecb.callbacks.lightning_packages import callback_class, package
from livecb.meter import Meter
from livecb.run import Run

__all__ = ["LiveStream"]

_CONTEXTS = {"validate": "val", "test": "test"}
_KEPT = "livecb"  # under which a checkpoint holds its run


class _Session(Session):
    """What is known of a fit, validation, test or prediction.

    Attributes:
        shown: The dictionary in which Lightning shows all that was logged, old and new.
        seen: The last value read under each name, to tell a new one from one that is shown again.
        of_steps: Names under which values of single batches are shown.
        tells: Whether what is still logged for the last batch is recorded.
        epoch_over: Whether Lightning has yet to reduce, or we to record, the values of an epoch.
        says_loss: Whether the module logs a loss of each step itself.
        checkpoints: The files that have been saved.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.shown: Mapping[str, Any] | None = None
        self.seen: dict[str, Any] = {}
        self.of_steps: set[str] = set()
        self.tells = False
        self.epoch_over = False
        self.says_loss = False
        self.checkpoints = asked.Checkpoints()


class LiveStream(Stream, callback_class()):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments.

    A run begins with the sanity check or the first batch of `fit`, or with `validate`, `test` or
    `predict`, each of which is a run of its own. A `fit` that has nothing to do makes none.
    """

    _saved: Any = None  # what the checkpoint holds that the next fit begins from

    def __getstate__(self) -> dict[str, Any]:
        # Lightning lends callbacks the module's methods: a copy has no business with the module.
        lent = ("log", "log_dict")
        return {name: value for name, value in super().__getstate__().items() if name not in lent}

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    # Checkpoints

    @opening
    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self._saved = None

    @opening
    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        # What tuners save before a training begins, to put back what they tried, is of no run.
        begins = self._session is None and trainer.state.status == "running"
        if not begins and (kept := self._kept()) is not None:
            checkpoint[_KEPT] = kept

    @opening
    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        if trainer.state.fn == "fit":  # to test a checkpoint resumes nothing
            self._saved = self._saved or checkpoint.get(_KEPT)

    # Training

    @opening
    def on_sanity_check_start(self, trainer: Any, pl_module: Any) -> None:
        self._open_for(trainer, pl_module)
        self.run.status("sanity_checking", "sanity_check")

    @steering(take_helm)
    @opening
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if self._session is None:
            self._open_for(trainer, pl_module)
        if self._session is not None:
            self._begin_training(trainer, pl_module)

    @during
    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._tell_epoch()
        self._tell_checkpoints(trainer)

    @during
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._tell_late()
        self._tell_checkpoints(trainer)

    @during
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        self._session.rates.update(asked.rates(trainer.optimizers, optimizer))

    @obeying
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
        session.step = trainer.global_step
        session.tells = self._is_nth(before, now)
        if session.tells or session.shown is None:
            self._tell_step(trainer, outputs)
        self._tell_progress(session.meter, self._done(trainer))

    @during
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._tell_late(reduced=True)
        self._session.epoch_over = True

    @during
    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._tell_epoch()
        self._tell_progress(self._session.meter, self._done(trainer), always=True)
        self._session.reason = asked.why_stopped(trainer)

    @ending
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._tell_epoch()
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
    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if not trainer.sanity_checking:
            self._advance_loop(trainer, "validate", dataloader_idx)

    @during
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._end_loop("validate")

    @opening
    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin_loop(trainer, pl_module, "test", trainer.num_test_batches)

    @during
    def on_test_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._advance_loop(trainer, "test", dataloader_idx)

    @during
    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        self._end_loop("test")

    @opening
    def on_predict_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin_loop(trainer, pl_module, "predict", trainer.num_predict_batches)

    @during
    def on_predict_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._advance_loop(trainer, "predict", dataloader_idx)

    @during
    def on_predict_end(self, trainer: Any, pl_module: Any) -> None:
        self._end_loop("predict")

    # What the hooks are made of

    def _open_for(self, trainer: Any, module: Any) -> None:
        framework = package(trainer)
        self._open(
            leads=trainer.is_global_zero,
            framework=framework,
            versions={name: str(sys.modules[name].__version__) for name in (framework, "torch")},
            config=asked.hyperparameters(trainer, module),
            world_size=trainer.world_size,
            saved=self._saved,
        )

    def _begin_training(self, trainer: Any, module: Any) -> None:
        session = self._session
        # Lightning restores what a checkpoint holds only just before this hook.
        session.step = trainer.global_step
        session.batch = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        several = isinstance(trainer.train_dataloader, (Mapping, list, tuple))
        session.samples = None if several or session.batch else 0
        totals = asked.totals(trainer, module)
        self.run.configure(totals=totals, resumed_step=session.step or None)
        self._place(trainer, asked.epoch(trainer))
        self.run.status("running", "train")
        by_step = module.automatic_optimization or trainer.max_steps > 0
        unit, total = ("step", totals.steps) if by_step else ("batch", totals.batches)
        session.meter = Meter(unit, total, "train", self._done(trainer, unit))
        self._tell_progress(session.meter, self._done(trainer), always=True)
        list(session.checkpoints.new(trainer.checkpoint_callbacks))  # those of an earlier training

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
        session, values = self._session, self._read(trainer)
        if not session.tells:
            return
        session.says_loss = session.says_loss or any("loss" in name.lower() for name in values)
        if not session.says_loss:
            values.update(asked.loss(trainer, outputs))
        rates, session.rates = session.rates, {}
        if values or rates:
            self.run.log(on_host({**values, **rates}), context="train")

    def _tell_late(self, *, reduced: bool = False) -> None:
        """Record what hooks after ours have logged for the last batch, or drop it as every_n_steps wants.

        Args:
            reduced: Values of the epoch may be among them already.
        """
        session, values = self._session, self._new_values()
        if reduced:
            values = {name: value for name, value in values.items() if name in session.of_steps}
        session.seen.update(values)
        session.of_steps.update(values)
        if values and session.tells:
            self.run.log(on_host(values), context="train")
        session.tells = False

    def _tell_epoch(self) -> None:
        if self._session.epoch_over:
            self._session.epoch_over = False
            self._tell_reduced("train")

    def _tell_reduced(self, context: str) -> None:
        """Record what Lightning has reduced at the end of a loop."""
        session, values = self._session, self._new_values()
        session.seen.update(values)
        values = {name: value for name, value in values.items() if name not in session.of_steps}
        if values:
            self.run.log(on_host(values), context=context)

    def _read(self, trainer: Any, loader: int | None = None) -> dict[str, Any]:
        """Return what was logged for this batch.

        Only here Lightning is asked for its dictionary. Asked between epochs, it would reduce what
        was logged for the epoch: among all ranks, though only this one has asked.
        """
        session = self._session
        session.shown = trainer.logged_metrics
        values = asked.without_other_loaders(self._new_values(), loader)
        session.seen.update(values)
        session.of_steps.update(values)
        return values

    def _new_values(self) -> dict[str, Any]:
        shown, seen = self._session.shown or {}, self._session.seen
        return {name: value for name, value in shown.items() if asked.is_new(value, seen.get(name))}

    def _begin_loop(self, trainer: Any, module: Any, phase: str, batches: Any) -> None:
        if self._session is None:
            self._open_for(trainer, module)
        session = self._session
        if session is None:
            return
        if session.meter is None:
            self.run.at(step=trainer.global_step, epoch=trainer.current_epoch)
        self._tell_late()
        self._tell_checkpoints(trainer)
        self.run.status("predicting" if phase == "predict" else "evaluating", phase)
        total = sum(batches) if isinstance(batches, list) else batches
        session.loop, session.done = Meter("batch", asked.finite(total), phase), 0
        self._tell_progress(session.loop, 0, always=True)

    def _advance_loop(self, trainer: Any, phase: str, loader: int) -> None:
        session = self._session
        session.done += 1
        self._tell_progress(session.loop, session.done)
        if phase in _CONTEXTS and (values := self._read(trainer, loader)):
            self.run.log(on_host(values), context=_CONTEXTS[phase])

    def _end_loop(self, phase: str) -> None:
        session = self._session
        self._tell_progress(session.loop, session.done, always=True)
        session.loop = None
        if phase in _CONTEXTS:
            self._tell_reduced(_CONTEXTS[phase])
        if session.meter is not None:
            self.run.status("running", "train")

    def _tell_checkpoints(self, trainer: Any) -> None:
        for path, metric, value in self._session.checkpoints.new(trainer.checkpoint_callbacks):
            self.run.checkpoint(path, metric=metric, value=value)
