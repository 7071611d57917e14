"""fastai: `Learner(..., cbs=LiveStream())`, or `learn.fit_one_cycle(5, cbs=LiveStream())`.

Axes: `batch` counts training batches of a fit, `step` those after which the optimizer stepped (fewer,
with `GradientAccumulation`), `epoch` the epochs of a fit.

Values: an epoch's, under the names of `Recorder` (`train_loss`, which is smoothed, `valid_loss`, and the
metrics); the loss of a single training batch is `train_loss_step`.

fastai gives `run` and `name` of a callback a meaning of its own: the Run is `live.stream.run`. It does not
tell callbacks of exceptions. One that ends the program is told by the interpreter; where it is caught,
the run is ended by the next fit, or at once by `with LiveStream() as live: learn.fit(5, cbs=live)`.
"""

# ruff: noqa: D102 - the hooks are fastai's, and described there

from __future__ import annotations

import math
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from livecb.callbacks.base import Session, Stream, batch_size, during, ending, model_card, on_host, opening
from livecb.callbacks.extras import needed
from livecb.callbacks.fastai_control import take_helm
from livecb.callbacks.helm import obeying, steering
from livecb.callbacks.misplaced import answer, tell
from livecb.events import Totals
from livecb.meter import Meter
from livecb.run import Run
from livecb.start import rank_from_environment

if TYPE_CHECKING:
    from typing_extensions import Self

with needed("fastai", "fastai"):
    from fastai.callback.core import Callback, CancelFitException

__all__ = ["LiveStream"]


class _Session(Session):
    """What is known of a fit.

    Attributes:
        told: Step whose values were recorded last.
        epochs: Epochs that the run had before this fit.
        skips: Whether a callback has kept the optimizer from stepping.
        saved: The files that were saved last, by the callback that saved them.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.told = 0
        self.epochs = 0.0
        self.skips = False
        self.saved: dict[int, Any] = {}


class _Stream(Stream):
    """What the callback says, asked by fastai's for every event that matters.

    Attributes:
        lent: Callbacks whose schedules readers have changed, each with those that it had.
    """

    _begins = False

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.lent: list[tuple[Any, Any]] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "lent": []}

    @property
    def stops(self) -> bool:
        """Whether readers have ended this fit."""
        return self._helm is not None and self._helm.stops

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    @opening
    def begin_fit(self) -> None:
        self._give_up("another fit began")
        self._begins = True

    @opening
    def begin_training(self, learn: Any) -> None:
        if self._begins and not hasattr(learn, "lr_finder"):
            self._begins = False
            self._open_for(learn)

    @during
    def begin_batch(self, learn: Any) -> None:
        rates = [hypers.get("lr") for hypers in learn.opt.hypers]
        names = ["lr"] if len(set(rates)) == 1 else [f"lr/pg{place + 1}" for place in range(len(rates))]
        self._session.rates = dict(zip(names, rates, strict=False))

    @during
    def skip_step(self) -> None:
        self._session.skips = True

    @during
    def end_step(self) -> None:
        session = self._session
        session.step += not session.skips
        session.skips = False

    @during
    def end_validation_batch(self) -> None:
        self._session.done += 1
        self._tell_progress(self._session.loop, self._session.done)

    @obeying
    def end_batch(self, learn: Any) -> None:
        session = self._session
        session.batch += 1
        size = batch_size(learn.xb)
        session.samples = None if size is None or session.samples is None else session.samples + size
        self._place(learn, learn.epoch + (learn.iter + 1) / learn.n_iter)
        if self._is_nth(session.told, session.step):
            session.told = session.step
            loss = {"train_loss_step": learn.loss.detach()}
            self.run.log({**on_host(loss), **session.rates}, context="train")
        self._tell_progress(session.meter, session.batch)

    @during
    def begin_validation(self, learn: Any) -> None:
        session = self._session
        self.run.status("evaluating", "validate")
        session.loop, session.done = Meter("batch", len(learn.dl), "validate"), 0
        self._tell_progress(session.loop, 0, always=True)

    @during
    def end_validation(self) -> None:
        self._tell_progress(self._session.loop, self._session.done, always=True)
        self._session.loop = None
        self.run.status("running", "fit")

    @during
    def end_epoch(self, learn: Any) -> None:
        session, recorder = self._session, learn.recorder
        self._place(learn, learn.epoch + 1.0)
        self._tell_progress(session.meter, session.batch, always=True)
        names = [name for name in recorder.metric_names[1:] if name != "time"]
        values = dict(zip(names, recorder.final_record, strict=False))
        trained = {name: value for name, value in values.items() if name.startswith("train_")}
        validated = {name: value for name, value in values.items() if name not in trained}
        for context, part in (("train", trained), ("val", validated)):
            if part:
                self.run.log(part, context=context)
        for callback in learn.cbs:
            path = getattr(callback, "last_saved_path", None)
            if path is not None and (path, callback.best) != session.saved.get(id(callback)):
                session.saved[id(callback)] = (path, callback.best)
                self.run.checkpoint(path, metric=callback.monitor, value=values.get(callback.monitor))

    @during
    def cancel(self, learn: Any) -> None:
        loss = float(learn.loss)
        self._session.reason = "early_stopped" if math.isfinite(loss) else f"loss is {loss}"

    @ending
    def end(self) -> None:
        self._end(reason=self._session.reason)

    def _close(self) -> Session | None:
        for scheduler, schedules in reversed(self.lent):  # the next fit may use the same
            scheduler.scheds = schedules
        self.lent = []
        return super()._close()

    @steering(take_helm)
    def _open_for(self, learn: Any) -> None:
        epochs, batches = learn.n_epoch, len(learn.dls.train)
        self._open(
            leads=rank_from_environment() == 0,
            framework="fastai",
            versions={name: str(sys.modules[name].__version__) for name in ("fastai", "torch")},
            config=_hyperparameters(learn),
            totals=Totals(epochs=epochs, batches=epochs * batches, batches_per_epoch=batches),
        )
        session = self._session
        if session is None:
            return
        self._go_on(learn, batches)
        total = session.batch + (epochs - learn.epoch) * batches
        self.run.status("running", "fit")
        session.meter = Meter("batch", total, "fit", session.batch)
        self._tell_progress(session.meter, session.batch, always=True)

    def _go_on(self, learn: Any, batches: int) -> None:
        """Begin where the epoch stands that was asked for, or else where the run that is gone on with did."""
        session, before = self._session, self.run._before
        session.samples = 0
        if learn.epoch:  # start_epoch=
            session.batch = learn.epoch * batches
            known = before.get("batch") == session.batch
            session.step = before["step"] if known else session.batch
        elif self.resume != "join" and before.get("step"):
            session.step, session.batch = before["step"], before.get("batch") or before["step"]
            session.epochs = before.get("epoch") or 0.0
            total = session.batch + learn.n_epoch * batches
            self.run.configure(totals=Totals(session.epochs + learn.n_epoch, None, total, batches))
        if session.step:
            session.told, session.samples = session.step, None
            self.run.configure(resumed_step=session.step)

    def _place(self, learn: Any, epoch: float) -> None:
        session = self._session
        at = session.epochs + epoch
        self.run.at(step=session.step, batch=session.batch, epoch=at, samples=session.samples)


class LiveStream(Callback):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments.

    Every `fit` is a run of its own; `fine_tune` makes two. `lr_find`, `get_preds` and `validate` make none.

    Attributes:
        stream: What records; its `run` is the Run.
    """

    order = 62  # behind Recorder and SaveModelCallback, before EarlyStoppingCallback cancels the rest

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__()
        self.stream = _Stream(*args, **settings)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                return answer(self, name)

    def __call__(self, event_name: Any, *said: Any) -> Any:
        return super().__call__(event_name) if isinstance(event_name, str) else tell(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.__exit__(kind, error, trace)

    def before_fit(self) -> None:
        self.stream.begin_fit()

    def before_train(self) -> None:  # the first event that a validation on its own does not have
        self.stream.begin_training(self.learn)

    def before_batch(self) -> None:
        if self.learn.training:
            self.stream.begin_batch(self.learn)

    def after_cancel_step(self) -> None:
        self.stream.skip_step()

    def after_step(self) -> None:
        self.stream.end_step()

    def after_batch(self) -> None:
        if not self.learn.training:
            self.stream.end_validation_batch()
            return
        self.stream.end_batch(self.learn)
        if self.stream.stops:
            raise CancelFitException

    def before_validate(self) -> None:
        self.stream.begin_validation(self.learn)

    def after_validate(self) -> None:
        self.stream.end_validation()

    def after_epoch(self) -> None:
        self.stream.end_epoch(self.learn)

    def after_cancel_fit(self) -> None:
        self.stream.cancel(self.learn)

    def after_fit(self) -> None:
        self.stream.end()


def _hyperparameters(learn: Any) -> dict[str, Any]:
    function = getattr(learn.opt_func, "func", learn.opt_func)
    found = {
        "model": model_card(learn.model),
        "opt_func": getattr(function, "__name__", repr(function)),
        "loss_func": getattr(learn.loss_func, "__name__", type(learn.loss_func).__name__),
        "batch_size": getattr(learn.dls.train, "bs", None),
        "epochs": learn.n_epoch,
        "lr": learn.lr,
        "wd": learn.wd,
    }
    return {name: value for name, value in found.items() if value is not None}
