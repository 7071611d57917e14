"""Hugging Face: `Trainer(callbacks=[LiveStream()])`, and every trainer derived from it.

Axes: `step` is `state.global_step`, `epoch` is `state.epoch`, `batch` counts micro-batches; `samples`
follows from it where the dataset has a length, `tokens` where `include_num_input_tokens_seen` is set.
Values are recorded when the trainer logs them (`logging_steps`), under its names; what it says at
the end (`train_loss`, `train_runtime` ...) stands in the run's summary.

Transformers does not tell callbacks of exceptions. An error that ends the program is told by the
interpreter; where it is caught, as in a notebook, the run is ended by the next training, or when the
trainer is thrown away, or at once by `with LiveStream() as live: Trainer(callbacks=[live]).train()`.
"""

# ruff: noqa: D102 - the hooks are the Trainer's, and described there

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from livecb.callbacks.extras import needed

with needed("transformers", "transformers"):
    from transformers import TrainerCallback

from livecb.callbacks import transformers_trainer as asked
from livecb.callbacks.base import Session, Stream, during, ending, learning_rates, opening
from livecb.callbacks.helm import obeying, steering
from livecb.callbacks.transformers_control import take_helm
from livecb.events import Totals
from livecb.meter import Meter
from livecb.run import Run

if TYPE_CHECKING:
    from livecb.callbacks.samples import SampleCallback

__all__ = ["LiveStream", "SampleCallback"]

_KEPT = "livecb"  # under which the trainer's state holds its run
_AXES = ("epoch", "num_input_tokens_seen")


class _Session(Session):
    """What is known of a training or evaluation.

    Attributes:
        scores: What the last evaluation came to.
        epoch_size: Batches and samples of an epoch, each None if unknown.
        tells: Whether values logged at this step are recorded.
        alerted: Whether a gradient that is no number has been told of.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.scores: dict[str, Any] = {}
        self.epoch_size: tuple[int | None, int | None] = (None, None)
        self.tells = True
        self.alerted = False


class LiveStream(Stream, TrainerCallback):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments.

    Every `train()` is a run of its own, also each trial of a hyperparameter search; so are
    `evaluate()` and `predict()` outside of a training.
    """

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    # Training

    @steering(take_helm)
    @opening
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        loader = kwargs.get("train_dataloader")
        if self._session is not None and args.auto_find_batch_size:
            self._begin_again(args, state, loader)
        else:
            self._end("failed", "another training began before this one had ended")
            self._open_for(args, state, kwargs.get("model"), asked.totals(args, state, loader))
        if self._session is not None:
            self._begin_training(args, state, loader)

    @during
    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        optimizer = kwargs.get("optimizer")
        if optimizer is not None:
            inner = getattr(optimizer, "optimizer", optimizer)  # accelerate wraps it
            self._session.rates = learning_rates(optimizer, f"lr-{type(inner).__name__}")

    @during
    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._session.batch += 1

    @obeying
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._session.batch += 1
        self._place(args, state)
        self._tell_progress(self._session.meter, state.global_step)

    @during
    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        logs = dict(logs or {})
        values = {name: value for name, value in logs.items() if name not in _AXES}
        if self._session.loop is not None:
            self._tell_scores(values)
        elif {"train_loss", "train_runtime"} <= values.keys() and "loss" not in values:
            self.run.summary.update(values)
        else:
            self._tell_values(args, state, values)

    @during
    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        metric = args.metric_for_best_model
        name = metric if metric is None or metric.startswith("eval_") else f"eval_{metric}"
        value = self._session.scores.get(name)
        self.run.checkpoint(
            asked.checkpoint(args, state), metric=metric if value is not None else None, value=value
        )

    @ending
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self._failed:
            self._tell_progress(self._session.meter, state.global_step, always=True)
        early = state.global_step < state.max_steps
        self._end(reason=("pruned" if state.is_hyper_param_search else "early_stopped") if early else None)

    # Evaluation, inside a training or alone

    @opening
    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._session is None:
            self._open_for(args, state, kwargs.get("model"), None)
        session = self._session
        if session is None:
            return
        if session.loop is None:
            self._begin_loop(args, state, kwargs.get("eval_dataloader"))
        session.done += 1
        self._tell_progress(session.loop, session.done)

    @during
    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        self._session.scores.update(metrics or {})
        self._end_loop()

    @during
    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        self._tell_scores(dict(metrics or {}))
        self._end_loop()

    # What the hooks are made of

    def _open_for(self, args: Any, state: Any, model: Any, totals: Totals | None) -> None:
        self._open(
            leads=state.is_world_process_zero,
            framework="transformers",
            versions={name: str(sys.modules[name].__version__) for name in ("transformers", "torch")},
            config=asked.hyperparameters(args, state, model),
            totals=totals,
            world_size=args.world_size,
            resumed_step=state.global_step or None if totals else None,
            saved=_with_checkpoints(state).get(_KEPT) if totals and state.global_step else None,
            suffix=asked.trial(state),
        )
        if self._session is not None:
            self._session.training = args

    def _begin_again(self, args: Any, state: Any, loader: Any) -> None:
        """The trainer ran out of memory and starts anew with smaller batches: the same run goes on."""
        size = state.train_batch_size
        self.run.configure(
            {"train_batch_size": size},
            totals=asked.totals(args, state, loader),
            resumed_step=state.global_step,
        )
        self.run.alert("Out of memory", f"the training begins again with batches of {size}")

    def _begin_training(self, args: Any, state: Any, loader: Any) -> None:
        session = self._session
        _with_checkpoints(state)[_KEPT] = self._kept()
        batches, samples = asked.length(loader), None
        if batches is not None:
            steps = max(1, math.ceil(batches / args.gradient_accumulation_steps))
            epochs, rest = divmod(state.global_step, steps)
            session.batch = epochs * batches + rest * args.gradient_accumulation_steps
            size = (state.train_batch_size or args.train_batch_size) * args.world_size
            known = asked.length(getattr(loader, "dataset", None))
            samples = None if known is None else min(known, batches * size)
        session.epoch_size = (batches, samples)
        session.loop, session.step = None, state.global_step
        self._place(args, state)
        self.run.status("running", "train")
        session.meter = Meter("step", state.max_steps or None, "train", state.global_step)
        self._tell_progress(session.meter, state.global_step, always=True)

    def _place(self, args: Any, state: Any) -> None:
        session = self._session
        batches, samples = session.epoch_size
        seen = None
        if batches and samples is not None:
            epochs, rest = divmod(session.batch, batches)
            size = (state.train_batch_size or args.train_batch_size) * args.world_size
            seen = epochs * samples + min(rest * size, samples)
        tokens = state.num_input_tokens_seen or None
        self.run.at(
            step=state.global_step, batch=session.batch, epoch=state.epoch, samples=seen, tokens=tokens
        )

    def _tell_values(self, args: Any, state: Any, values: dict[str, Any]) -> None:
        session = self._session
        self._watch_gradient(args, values)
        if state.global_step != session.step:
            session.tells = self._is_nth(session.step, state.global_step)
            session.step = state.global_step
        if not session.tells:
            return
        said = values.get("learning_rate")
        used = set(session.rates.values())
        # The trainer logs the scheduler's rate; where the optimizer used another one, say which.
        rates = {} if used == {said} else {"lr": used.pop()} if len(used) == 1 else session.rates
        self.run.log({**values, **rates}, context="train")

    def _watch_gradient(self, args: Any, values: Mapping[str, Any]) -> None:
        norm = values.get("grad_norm")
        # With fp16 the first steps overflow on purpose, until the loss scale fits.
        if norm is None or math.isfinite(norm) or args.fp16 or self._session.alerted:
            return
        self._session.alerted = True
        hidden = (
            "; logging_nan_inf_filter hides it from the loss that is logged"
            if args.logging_nan_inf_filter
            else ""
        )
        self.run.alert("Non-finite gradient", f"grad_norm is {norm}{hidden}", "ERROR")

    def _tell_scores(self, values: dict[str, Any]) -> None:
        session = self._session
        self._tell_progress(session.loop, session.done, always=True)
        context = "test" if all(name.startswith("test_") for name in values) else "val"
        self.run.log(values, context=context)

    def _begin_loop(self, args: Any, state: Any, loader: Any) -> None:
        session = self._session
        if session.meter is None:
            self.run.at(step=state.global_step, epoch=state.epoch)
        self.run.status("evaluating", "evaluate")
        session.loop, session.done = Meter("batch", asked.length(loader), "evaluate"), 0
        self._tell_progress(session.loop, 0, always=True)

    def _end_loop(self) -> None:
        self._session.loop = None
        if self._session.meter is None:
            self._end()
        else:
            self.run.status("running", "train")


def _with_checkpoints(state: Any) -> dict[str, Any]:
    """Return what the trainer saves with every checkpoint, and has again where it is resumed from one."""
    saved: dict[str, Any] = getattr(state, "stateful_callbacks", {})
    return saved


def __getattr__(name: str) -> Any:
    if name != "SampleCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from livecb.callbacks.samples import SampleCallback  # which is a LiveStream: it knows this module

    return SampleCallback
