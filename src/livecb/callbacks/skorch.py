"""skorch: `NeuralNetClassifier(..., callbacks=[LiveStream()])`, and every other net of skorch.

Axes: `step` and `batch` count training batches, each of which is a step; `epoch` counts what stands in
`net.history`, so that `partial_fit` counts on.

Values are those of `net.history`: an epoch's under their own names (`train_loss`, `valid_acc` ...),
those of single training batches, which skorch calls the same, with `_step` behind it. An epoch is
told when the next one begins or the training ends: by then every callback has said its own.

skorch swallows a KeyboardInterrupt, by which callbacks stop it as well; it does not tell callbacks of
other exceptions. One that ends the program is told by the interpreter; where it is caught, the run is
ended by the next training, or at once by `with live: net.fit(X, y)`.
"""

# ruff: noqa: D102 - the hooks are skorch's, and described there

from __future__ import annotations

import copy
import inspect
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any, cast

from livecb.callbacks.base import Session, Stream, during, ending, learning_rates, model_card, opening
from livecb.callbacks.extras import needed
from livecb.callbacks.helm import obeying, ranks, steering
from livecb.callbacks.skorch_control import take_helm
from livecb.events import Totals
from livecb.meter import Meter
from livecb.run import Run
from livecb.start import rank_from_environment

with needed("skorch", "skorch"):
    from skorch.callbacks import Callback
    from skorch.dataset import get_len

__all__ = ["LiveStream"]

_KEPT = "livecb"  # under which the history holds its run, at the first batch of a training

_ESSENTIAL = ("lr", "batch_size", "max_epochs", "optimizer", "criterion", "device", "warm_start")


class _Session(Session):
    """What is known of a training.

    Attributes:
        epochs: Epochs done when the current one began.
        before: Batches done when it began.
        per_epoch: Batches of an epoch; None until that is known.
        validated: Batches of a validation; None if unknown.
        epoch_over: Whether skorch has ended the epoch whose values are not told yet.
        keeps: Whether the history, which checkpoints hold, is still to be told its run.
        processes: How many train together, each on batches of its own.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.epochs = 0
        self.before = 0
        self.per_epoch: int | None = None
        self.validated: int | None = None
        self.epoch_over = False
        self.keeps = True
        self.processes = 1

    def epoch(self) -> float:
        """Return the epochs done, with the part of the current one that is."""
        within = self.batch - self.before
        if self.epoch_over:
            return float(self.epochs + 1)
        return self.epochs + min(1.0, within / self.per_epoch) if self.per_epoch else float(self.epochs)


class LiveStream(Stream, Callback):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments.

    Every `fit` and `partial_fit` is a run of its own, also that of each candidate of a search, which
    trains clones of the net.
    """

    _begins = False
    _fresh = False  # whether the net knows only what it was initialized with, or loaded since

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    def initialize(self) -> LiveStream:
        self._fresh = True
        return self

    # A net's callbacks are parameters of it, which scikit-learn reads, sets and clones.

    def _get_param_names(self) -> list[str]:
        return [name for name in inspect.signature(Stream.__init__).parameters if name not in ("self", "run")]

    def __sklearn_clone__(self) -> LiveStream:
        return copy.deepcopy(self)

    # Training

    @opening
    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self._give_up("another training began")
        self._begins = True

    @opening
    def on_epoch_begin(
        self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        if self._begins:
            self._begins = False
            self._begin_training(net, dataset_train, dataset_valid)
        elif self._session is not None:
            self._tell_epoch(net, -2)
        session = self._session
        if session is not None:
            session.epochs, session.before, session.epoch_over = len(net.history) - 1, session.batch, False
            self._place()

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        if not training:
            self._begin_validation_batch()
            return
        self._end_step()
        if (helm := self._helm) is not None and helm.stops:
            raise KeyboardInterrupt  # the one way out that skorch knows: it goes on as after Ctrl-C
        self._begin_step(net)

    @obeying
    def _end_step(self) -> None:
        """The step before is over for all callbacks; at the first one there is none."""

    @during
    def _begin_step(self, net: Any) -> None:
        if self._session.keeps:
            self._session.keeps = False
            history = net.history.history if _is_shared(net.history) else net.history
            history.record_batch(_KEPT, self._last)
        optimizer = getattr(net, "optimizer_", None)
        self._session.rates = {} if optimizer is None else learning_rates(optimizer, "lr")

    @during
    def _begin_validation_batch(self) -> None:
        session = self._session
        if session.loop is None:
            self.run.status("evaluating", "validation")
            session.loop, session.done = Meter("batch", session.validated, "validation"), 0
            self._tell_progress(session.loop, 0, always=True)

    @during
    def on_batch_end(self, net: Any, batch: Any = None, training: Any = None, **kwargs: Any) -> None:
        session = self._session
        if not training:
            session.done += 1
            self._tell_progress(session.loop, session.done)
            return
        told = _of_batch(net, batch, kwargs)
        session.batch += 1
        session.samples += told.get("train_batch_size", 0) * session.processes
        self._place()
        if self._is_nth(session.batch - 1, session.batch):
            values = {f"{name}_step": value for name, value in _measured(told)}
            self.run.log({**values, **session.rates}, context="train")
        self._tell_progress(session.meter, session.batch)

    @during
    def on_epoch_end(
        self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        self._end_loop()

    @ending
    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        if not self._failed:
            self._tell_epoch(net, -1)
        if (helm := self._helm) is not None and helm.stops:
            self._end()
        elif not _is_over(net.history[-1]) and self._session.owned:
            self._end_with(KeyboardInterrupt())  # skorch has swallowed it: a run that was given goes on
        elif any(_has_lost_patience(callback) for _, callback in net.callbacks_):
            self._end(reason="early_stopped")
        else:
            self._end()

    # What the hooks are made of

    @steering(take_helm)
    def _begin_training(self, net: Any, train: Any, valid: Any) -> None:
        done = list(net.history)[:-1]
        before = sum(row.get("train_batch_count", 0) for row in done)
        processes = net.accelerator.num_processes if hasattr(net, "accelerator") else 1
        per_epoch = _batches(net, train, "iterator_train", processes)
        epochs = len(done) + net.max_epochs
        total = None if per_epoch is None else before + net.max_epochs * per_epoch
        self._open(
            leads=rank_from_environment() == 0,
            framework="skorch",
            versions={name: str(sys.modules[name].__version__) for name in ("skorch", "torch")},
            config=_hyperparameters(net),
            totals=Totals(epochs=epochs, steps=total, batches=total, batches_per_epoch=per_epoch),
            world_size=ranks()[1],
            resumed_step=before or None,
            saved=_kept(done) if self._fresh else None,
        )
        self._fresh = False
        session = self._session
        if session is None:
            return
        sizes = (batch.get("train_batch_size", 0) for row in done for batch in row["batches"])
        session.processes = processes
        session.batch, session.samples = before, sum(sizes) * (1 if _is_shared(net.history) else processes)
        session.per_epoch, session.validated = per_epoch, _batches(net, valid, "iterator_valid", processes)
        self.run.status("running", "train")
        session.meter = Meter("batch", total, "train", before)
        self._tell_progress(session.meter, before, always=True)

    def _place(self) -> None:
        session = self._session
        self.run.at(step=session.batch, batch=session.batch, epoch=session.epoch(), samples=session.samples)

    def _end_loop(self) -> None:
        session = self._session
        if session.loop is not None:
            self._tell_progress(session.loop, session.done, always=True)
            session.validated, session.loop = session.done, None
            self.run.status("running", "train")

    def _tell_epoch(self, net: Any, place: int) -> None:
        """Record what stands in the row of the history at `place`, and what was saved for it."""
        session, row = self._session, net.history[place]
        self._end_loop()
        session.epoch_over = _is_over(row)
        if session.epoch_over:
            session.per_epoch = session.batch - session.before
        self._place()
        self._tell_progress(session.meter, session.batch, always=True)
        contexts = _contexts(net)
        parts: dict[str, dict[str, Any]] = {"train": {}, "val": {}}
        for name, value in _measured(row):
            context = contexts.get(name, "val" if name.startswith("valid") else "train")
            parts[context][name] = value
        for context, values in parts.items():
            if values:
                self.run.log(values, context=context)
        for path, metric in _saved(net, row):
            self.run.checkpoint(path, metric=metric, value=row.get(metric))


def _is_over(row: Mapping[str, Any]) -> bool:
    """Whether an epoch has seen all its batches: skorch's own callbacks note its loss first of all."""
    return "train_loss" in row


def _kept(rows: list[Any]) -> dict[str, Any] | None:
    """Return which run a history is of that was loaded; None if it does not say."""
    found = [batch[_KEPT] for row in rows for batch in row["batches"] if _KEPT in batch]
    return {"run": found[-1]} if found else None


def _is_shared(history: Any) -> bool:
    """Whether it is a `DistributedHistory`: all processes must record the same, and to read it is to wait."""
    return hasattr(history, "history")


def _of_batch(net: Any, batch: Any, outcome: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the history holds, or will hold, of a training batch that is over."""
    if not _is_shared(net.history):
        return cast(Mapping[str, Any], net.history[-1]["batches"][-1])
    size = get_len(batch[0] if isinstance(batch, tuple | list) else batch)
    return {"train_loss": outcome["loss"].item(), "train_batch_size": size}


def _measured(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what was measured, of all that the history holds of a batch or an epoch."""
    for name, value in row.items():
        counted = name in ("epoch", "batches", _KEPT) or name.endswith(("_batch_size", "_batch_count"))
        if not counted and not isinstance(value, bool):  # skorch marks with bools what was best or saved
            yield name, value


def _contexts(net: Any) -> dict[str, str]:
    """Return what each scoring callback measures its value on, by the value's name."""
    scorings = [each for _, each in net.callbacks_ if hasattr(each, "on_train") and hasattr(each, "name_")]
    return {each.name_: "train" if each.on_train else "val" for each in scorings}


def _saved(net: Any, row: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the checkpoints saved for an epoch, each with the metric it was saved for."""
    for _, callback in net.callbacks_:
        event = getattr(callback, "event_name", None)
        if event is None or not row.get(event) or not hasattr(callback, "get_formatted_files"):
            continue
        files = callback.get_formatted_files(net)
        monitor = callback.monitor if isinstance(callback.monitor, str) else ""
        metric = monitor.removesuffix("_best")
        for name in ("f_params", "f_pickle"):
            if isinstance(files.get(name), str):
                yield files[name], metric if metric in row else None
                break


def _has_lost_patience(callback: Any) -> bool:
    """Whether it is a callback that has stopped the training (by a KeyboardInterrupt)."""
    misses, patience = getattr(callback, "misses_", None), getattr(callback, "patience", None)
    return misses is not None and patience is not None and bool(misses >= patience)


def _batches(net: Any, dataset: Any, iterator: str, processes: int) -> int | None:
    """Return the batches of an epoch in each process, None if that cannot be told beforehand."""
    settings = {
        name.removeprefix(f"{iterator}__"): value
        for name, value in vars(net).items()
        if name.startswith(f"{iterator}__")
    }
    if not hasattr(dataset, "__len__") or {"sampler", "batch_sampler"} & settings.keys():
        return None
    size = settings.get("batch_size", net.batch_size)
    whole = math.floor if settings.get("drop_last") else math.ceil
    batches = whole(1 if size == -1 else len(dataset) / size)
    return batches if processes == 1 or net.accelerator.split_batches else whole(batches / processes)


def _hyperparameters(net: Any) -> dict[str, Any]:
    params = {
        name: value
        for name, value in net.get_params(deep=False).items()
        if name in _ESSENTIAL or ("__" in name and not name.startswith("callbacks"))
    }
    module = net.accelerator.unwrap_model(net.module_) if hasattr(net, "accelerator") else net.module_
    return {"model": model_card(module), "net": type(net).__name__, **params}
