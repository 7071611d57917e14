"""Keras 3: `model.fit(..., callbacks=[LiveStream()])`; also `evaluate` and `predict`.

Axes: `batch` counts training batches, `step` is `optimizer.iterations` (fewer, where gradients are
accumulated), `epoch` counts from `initial_epoch`. Keras does not tell its callbacks how large a batch is.

Values: an epoch's, under the names of `History` (`loss`, `val_loss` ...). What Keras tells after a
batch is no batch's value but the mean over the epoch so far: it is recorded as `running/loss`, so
that nobody takes it for one.

Keras does not tell its callbacks of exceptions. An error that ends the program is told
by the interpreter; where it is caught, as in a notebook, the run is ended by the next training, or
at once by `with LiveStream() as live: model.fit(..., callbacks=[live])`.
"""

# ruff: noqa: D102 - the hooks are Keras's, and described there

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from livecb.callbacks.base import Session, Stream, during, ending, on_host, opening
from livecb.callbacks.extras import needed
from livecb.callbacks.helm import obeying, ranks, steering
from livecb.callbacks.keras_checkpoints import Checkpoints, backup_note
from livecb.callbacks.keras_control import restore_schedules, take_helm
from livecb.callbacks.keras_model import hyperparameters, rates
from livecb.events import Totals
from livecb.meter import Meter
from livecb.resume import note as leave_note
from livecb.resume import noted
from livecb.run import Run

with needed("keras", "Keras"):
    import keras

__all__ = ["LiveStream"]


class _Session(Session):
    """What is known of a `fit`, `evaluate` or `predict`.

    Attributes:
        epoch: Epochs done when the current one began.
        before: Batches done when it began.
        within: Batches of it whose values are recorded.
        reached: Batches of it that are done or under way.
        per_epoch: Batches of an epoch; None until that is known.
        at_once: Batches that Keras runs between two calls (`steps_per_execution`).
        group: Batches whose gradients make one step.
        optimizer: What knows the learning rate.
        begun: First batches of the calls that are under way, in order, each with its learning rate.
        told: What Keras said after them; it may do so out of order, from several threads.
        lock: Held while these two are looked at.
        evaluation: Batches of a validation, once there was one.
        checkpoints: The files that other callbacks save.
        over: Number and values of the epoch that is over and whose files are not told.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.epoch = 0
        self.before = 0
        self.within = 0
        self.reached = 0
        self.per_epoch: int | None = None
        self.at_once = 1
        self.group = 1
        self.optimizer: Any = None
        self.begun: deque[tuple[int, dict[str, Any]]] = deque()
        self.told: dict[int, Mapping[str, Any]] = {}
        self.lock = Lock()
        self.evaluation: int | None = None
        self.checkpoints: Checkpoints | None = None
        self.over: tuple[int, Mapping[str, Any]] | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Take note that `epoch` begins, counted from 0."""
        self.epoch, self.before, self.within = epoch, self.before + self.within, 0
        self.begun.clear()
        self.told.clear()

    def after(self, first: int) -> int:
        """Return how many batches of the epoch are done with the call that begins with `first`."""
        done = first + self.at_once
        return done if self.per_epoch is None else min(done, self.per_epoch)

    def axes(self, within: int) -> dict[str, Any]:
        """Return where the training stands when `within` batches of the epoch are done."""
        batch = self.before + within
        known = {"step": batch // self.group, "batch": batch}
        if self.per_epoch:
            return {**known, "epoch": self.epoch + within / self.per_epoch}
        return {**known, "epoch": float(self.epoch)} if within == 0 else known


class LiveStream(Stream, keras.callbacks.Callback):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments.

    Every `fit` is a run of its own, and so is an `evaluate` or `predict` on its own. A `fit` that has
    no epoch to do makes none.
    """

    # Keras may call from a thread of its own. Were it to call at once, it would wait for the device
    # after every batch to have numbers for us.
    async_safe = True
    params: Any = None
    beside: Sequence[Any] = ()
    _model: Any = None
    _begins = True

    def __getstate__(self) -> dict[str, Any]:
        # Keras lends callbacks the model: a copy has no business with it.
        lent = ("_model", "params", "beside")
        return {name: value for name, value in super().__getstate__().items() if name not in lent}

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    def set_params(self, params: Any = None) -> None:
        if params is not None:  # None from skorch, in whose nets it would be misplaced
            super().set_params(params)

    # Training

    @opening
    def on_train_begin(self, logs: Any = None) -> None:
        self._give_up("another training began")
        self._begins = True

    @opening
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._begins:
            # Not before: BackupAndRestore says in on_train_begin where the training goes on.
            self._begins = False
            self._begin_training(epoch)
        session = self._session
        if session is not None:
            self._tell_checkpoints()
            session.begin_epoch(epoch)
            self.run.at(**session.axes(0))

    # Not as a batch ends: Keras says that from another thread, while its own goes on.
    @obeying
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        session = self._session
        session.reached = session.after(batch)
        now, then = session.axes(batch), session.axes(session.reached)
        wanted = self._is_nth(now["step"], then["step"])
        used = rates(session.optimizer) if wanted and session.optimizer else {}
        with session.lock:
            session.begun.append((batch, used))
        self.run.at(**now)
        self._tell_progress(session.meter, now["batch"])

    @during
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        session = self._session
        if session is None:  # ended by an exception, while this waited for its turn
            return
        with session.lock:
            session.told[batch - session.at_once + 1] = dict(logs or {})
            while session.begun and session.begun[0][0] in session.told:
                first, used = session.begun.popleft()
                self._tell_batch(session, first, session.told.pop(first), used)

    @obeying
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        session = self._session
        if session.within and not self.model.stop_training:
            session.per_epoch = session.within
        self.run.at(**session.axes(session.within))
        self._tell_progress(session.meter, session.before + session.within, always=True)
        session.over = (epoch, logs or {})
        values = {name: value for name, value in (logs or {}).items() if name != "learning_rate"}
        validated = {name: value for name, value in values.items() if name.startswith("val_")}
        trained = {name: value for name, value in values.items() if name not in validated}
        for context, part in (("train", trained), ("val", validated)):
            if part:
                self.run.log(on_host(part), context=context)

    @ending
    def on_train_end(self, logs: Any = None) -> None:
        session = self._session
        if not self._failed:
            self._tell_checkpoints()
        done = session.before + session.within
        total = session.meter.total
        if not self.model.stop_training or (total is not None and done >= total):
            self._end()
        else:
            loss = (logs or {}).get("loss", 0.0)
            self._end(reason="early_stopped" if math.isfinite(loss) else f"loss is {loss}")

    # Evaluation, inside a training or alone

    @opening
    def on_test_begin(self, logs: Any = None) -> None:
        self._begin_loop("evaluate")

    @during
    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._advance_loop(batch)

    @during
    def on_test_end(self, logs: Any = None) -> None:
        if self._session.meter is None and logs:
            self.run.log(on_host(logs), context="test")
        self._end_loop()

    @opening
    def on_predict_begin(self, logs: Any = None) -> None:
        self._begin_loop("predict")

    @during
    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._advance_loop(batch)

    @during
    def on_predict_end(self, logs: Any = None) -> None:
        self._end_loop()

    # What the hooks are made of

    def _open_for(
        self, totals: Totals | None = None, resumed_step: int | None = None, saved: Any = None
    ) -> None:
        rank, world_size = ranks()
        backend = keras.backend.backend()
        self._open(
            leads=rank == 0,
            framework="keras",
            versions={name: str(sys.modules[name].__version__) for name in ("keras", backend)},
            config=hyperparameters(self.model, self.params),
            totals=totals,
            world_size=world_size,
            resumed_step=resumed_step,
            saved=saved,
        )

    @property
    def is_between_epochs(self) -> bool:
        """Whether an epoch is over, and the next has not begun."""
        return self._session is not None and self._session.over is not None

    def _close(self) -> Session | None:
        restore_schedules(self.beside)
        self.beside = ()
        return super()._close()

    @steering(take_helm)
    def _begin_training(self, epoch: int) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        group = getattr(optimizer, "gradient_accumulation_steps", None) or 1
        epochs, per_epoch = self.params.get("epochs"), self.params.get("steps")
        steps = 0 if optimizer is None else int(optimizer.iterations)
        steps = steps or epoch * (per_epoch or 0) // group  # of weights alone, without the optimizer's
        total = steps * group + (epochs - epoch) * per_epoch if per_epoch else None
        done = None if total is None else total // group
        totals = Totals(epochs=epochs, steps=done, batches=total, batches_per_epoch=per_epoch)
        note = backup_note()
        self._open_for(totals, resumed_step=steps or None, saved=noted(note) if note and steps else None)
        session = self._session
        if session is None:
            return
        if note and self._last:
            leave_note(note, self._last)
        session.optimizer, session.group = optimizer, group
        session.before, session.per_epoch = steps * group, per_epoch
        session.at_once = int(getattr(self.model, "steps_per_execution", 1))
        session.checkpoints = Checkpoints()
        self.run.status("running", "fit")
        session.meter = Meter("batch", total, "fit", session.before)
        self._tell_progress(session.meter, session.before, always=True)

    def _tell_batch(
        self, session: _Session, first: int, logs: Mapping[str, Any], used: Mapping[str, Any]
    ) -> None:
        """Record what Keras said after the batches from `first` on."""
        before, session.within = session.axes(session.within), session.after(first)
        now = session.axes(session.within)
        if self._is_nth(before["step"], now["step"]):
            values = {f"running/{name}": value for name, value in logs.items()}
            self.run.log({**values, **used}, context="train", **now)

    def _tell_checkpoints(self) -> None:
        """Record what was saved for the epoch that is over, by whichever callback."""
        session = self._session
        over, session.over = session.over, None
        if over is not None:
            for path, metric, value in session.checkpoints.new(*over):
                self.run.checkpoint(path, metric=metric, value=value)

    def _begin_loop(self, phase: str) -> None:
        if self._session is None:
            self._open_for()
        session = self._session
        if session is None:
            return
        if session.meter is None:
            session.evaluation = self.params.get("steps")
            session.at_once = int(getattr(self.model, "steps_per_execution", 1))
        else:
            self.run.at(**session.axes(session.reached))
        self.run.status("predicting" if phase == "predict" else "evaluating", phase)
        session.loop, session.done = Meter("batch", session.evaluation, phase), 0
        self._tell_progress(session.loop, 0, always=True)

    def _advance_loop(self, begun: int) -> None:
        session = self._session
        session.done = begun + session.at_once
        self._tell_progress(session.loop, begun)

    def _end_loop(self) -> None:
        session = self._session
        session.evaluation = min(session.done, session.evaluation or math.inf)
        self._tell_progress(session.loop, session.evaluation, always=True)
        session.loop = None
        if session.meter is None:
            self._end()
        else:
            self.run.status("running", "fit")
