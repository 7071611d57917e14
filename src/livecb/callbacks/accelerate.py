"""Accelerate: `Accelerator(log_with=LiveStream())`, a tracker as any other; or `log_with="livecb"`.

`accelerator.init_trackers(project, config)` begins the run, `accelerator.log(values, step=...)` records,
`accelerator.end_training()` ends it. The loop is the user's own: `step` is what it says, and each
call is a step if it says none. Other axes, and the context, go into `log_kwargs={"livecb": {...}}`.

What else a Run can say is said by `accelerator.get_tracker("livecb", unwrap=True)`, which is the Run on
the main process, or by `live.run`, which does nothing on the others.

A script that forgets `end_training` is told by the interpreter, as `livecb.init` is: completed, or
failed with the exception that ended it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from livecb.callbacks.accelerate_control import accelerator_of_call, keep, prepared, take_helm
from livecb.callbacks.base import Session, Stream, during, ending, opening
from livecb.callbacks.extras import needed
from livecb.callbacks.helm import obeying, steering
from livecb.run import Run

with needed("accelerate", "Accelerate"):
    from accelerate import PartialState, tracking

__all__ = ["LiveStream"]

_PLACES = ("batch", "epoch", "samples", "tokens", "context")


class _Session(Session):
    """What is known of a loop.

    Attributes:
        accelerator: Whose loop it is, if that could be told.
        prepared: Optimizers and schedules that it had prepared when they were last looked at.
        hooks: What is called as it saves and loads its state.
    """

    accelerator: Any = None
    prepared = 0
    hooks: Sequence[Any] = ()

    def fate(self, what: str) -> None:
        """Leave it to the interpreter to tell how a loop ended that did not call `end_training`."""


class LiveStream(Stream, tracking.GeneralTracker):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments.

    `init_trackers` begins a run, on the main process only. It tells the name of the project to those
    alone that are asked for by name (`log_with="livecb"`): here say it yourself, `LiveStream(project=...)`.
    The loop says when it logs: `every_n_steps` changes nothing.

    Attributes:
        name: What Accelerate calls this tracker.
        run_name: What the run is called.
    """

    name: str | None = "livecb"
    requires_logging_directory = False

    def __init__(self, name: str | None = None, *args: Any, **settings: Any) -> None:
        super().__init__(name, *args, **settings)
        self.run_name, self.name = name, type(self).name

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    def _open(self, **about: Any) -> None:
        self.name = self.run_name
        try:
            super()._open(**about)
        finally:
            self.name = type(self).name

    @property
    def tracker(self) -> Run:
        """The run, which `get_tracker("livecb", unwrap=True)` returns."""
        return self.run

    @opening
    def start(self) -> None:
        """Begin a run; called by `init_trackers`."""
        self._end()  # of a loop before, which did not call `end_training`
        state = PartialState()
        about = {"processes": state.num_processes, "distributed_type": state.distributed_type.value}
        self._open(
            leads=state.is_main_process,
            framework="accelerate",
            versions={name: str(sys.modules[name].__version__) for name in ("accelerate", "torch")},
            config={"accelerate": {**about, "device": str(state.device)}},
            world_size=state.num_processes,
        )
        if self._session is not None:
            self.run.status("running", "train")
            self._session.accelerator = accelerator_of_call()
            self._session.hooks = keep(self._session.accelerator, self.run)
            self._steer()

    @during
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Record the hyperparameters that were given to `init_trackers`."""
        # What is no mapping is refused there, with a word on it.
        self.run.configure({**values, **self.config} if isinstance(values, Mapping) else values)

    @obeying
    def log(self, values: Mapping[str, Any], step: int | None = None, **kwargs: Any) -> None:
        """Record metrics; called by `accelerator.log`.

        Args:
            values: Numbers or 0-d tensors by name.
            step: Optimizer steps done; each call is one if left out.
            kwargs: `batch`, `epoch`, `samples`, `tokens` and `context`, as for `Run.log`; from
                `log_kwargs={"livecb": {...}}`.
        """
        places = {name: kwargs.pop(name) for name in _PLACES if name in kwargs}
        if kwargs:
            self.run.warn_once("log_kwargs", f"expected {_PLACES} in log_kwargs, got {sorted(kwargs)} too")
        self.run.log(values, step=step, **places)
        if self._session.prepared != prepared(self._session.accelerator):
            self._steer()  # what was prepared after init_trackers
        if step is not None and self.run._loop is None:
            self.run.at(step=step)  # where the loop obeys, too, that looks by itself

    @steering(lambda stream: take_helm(stream, stream._session.accelerator, PartialState().num_processes))
    def _steer(self) -> None:
        self._session.prepared = prepared(self._session.accelerator)

    def _close(self) -> Session | None:
        for hook in self._session.hooks if self._session is not None else ():
            hook.remove()
        return super()._close()

    @ending
    def finish(self) -> None:
        """End the run; called by `end_training`."""
        self._end()


class _ByName(LiveStream):
    """What `log_with="livecb"` makes, of the project's name and `init_kwargs={"livecb": {...}}`."""

    def __init__(self, project_name: str, **settings: Any) -> None:
        super().__init__(**{"project": project_name, **settings})


if hasattr(tracking, "register_tracker_class"):  # since 1.15
    tracking.register_tracker_class(_ByName)
