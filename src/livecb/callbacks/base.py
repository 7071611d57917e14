"""What the callbacks of all frameworks have in common: a run opened late, and hooks that do no harm.

The law: no exception of ours reaches the trainer. A hook that fails warns once and puts its
callback out of action; what is left to it is to tell how the training ends. `KeyboardInterrupt`
and its like are not ours, and pass.

A callback is settings and, while something is trained, a `Session`. The session is opened by the
process that trains and by its leading rank only; it is left behind when the callback is copied or
pickled, so that a callback goes wherever a trainer takes it.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from livecb.callbacks.misplaced import answer, tell
from livecb.callbacks.recording import abandon, apart, enter, give_up_others, leave, stream_of
from livecb.callbacks.sizes import batch_size, model_card
from livecb.control.criterion import Criterion
from livecb.errors import warn
from livecb.meter import Meter
from livecb.resume import must_exist, wanted
from livecb.run import EndStatus, Run
from livecb.sinks.base import Sink
from livecb.start import disabled, init, rank_from_environment
from livecb.values import on_host
from livecb.watch import learning_rates

if TYPE_CHECKING:
    from typing_extensions import Self

    from livecb.events import Totals

__all__ = [
    "Session",
    "Stream",
    "batch_size",
    "during",
    "ending",
    "learning_rates",
    "model_card",
    "on_host",
    "opening",
    "stream_of",
]

_Hook = TypeVar("_Hook", bound=Callable[..., Any])


def opening(hook: _Hook) -> _Hook:
    """Mark a hook that may open a run."""
    return _guarded(hook, lambda stream: not stream._failed)


def during(hook: _Hook) -> _Hook:
    """Mark a hook that has something to say while a run is open."""
    return _guarded(hook, lambda stream: stream._session is not None and not stream._failed)


def ending(hook: _Hook) -> _Hook:
    """Mark a hook that may end the run: called even when another one has failed."""
    return _guarded(hook, lambda stream: stream._session is not None)


def _guarded(hook: _Hook, is_wanted: Callable[[Stream], bool]) -> _Hook:
    @functools.wraps(hook)
    def guarded(self: Stream, *args: Any, **kwargs: Any) -> Any:
        if not is_wanted(self):
            return None
        try:
            return hook(self, *args, **kwargs)
        except Exception as error:
            self._fail(hook.__name__, error)

    return cast(_Hook, guarded)


class Session:
    """What a callback knows while one run is open.

    Attributes:
        run: The run.
        owned: Whether the callback opened the run, and so ends it.
        meter: The bar of the training.
        loop: The bar of the evaluation that is under way in it, if one is.
        done: Batches that loop has done.
        step: Optimizer steps when values were last recorded.
        batch: Training batches seen.
        samples: Training samples seen; None if that cannot be known.
        rates: Learning rates used since values were last recorded, by name.
        reason: Why the training came to its end, if for a reason.
        training: What the framework hands to all callbacks of this training, to know it by.
        orphaned: What happens if the callback is thrown away while the run is open.
        thread: The thread that trains.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        self.run = run
        self.owned = owned
        self.meter: Meter | None = None
        self.loop: Meter | None = None
        self.done = 0
        self.step = 0
        self.batch = 0
        self.samples: int | None = None
        self.rates: dict[str, Any] = {}
        self.reason: str | None = None
        self.training: object = None
        self.orphaned: weakref.finalize[..., Any] | None = None
        self.thread = threading.get_ident()

    def fate(self, what: str) -> tuple[EndStatus, str | None] | None:
        """Return how a training ended whose end no hook has told: status and reason.

        Args:
            what: What happened instead.

        Returns:
            None where it is left to the interpreter to tell, when the program ends.
        """
        return "failed", f"{what} before the training had ended"


class Stream:
    """A callback that shows a training live, whatever the framework.

    Nothing happens before the training begins; a training is one run. Calling the trainer again
    with the same callback makes a new run, or, where `run_id` names one, the next attempt of that.
    Only the leading rank of a distributed training records. As a context manager the callback ends
    its run with what ended the block, for frameworks that do not tell their callbacks of exceptions.

    Args:
        name: Free text to show.
        project: What the run belongs to.
        config: Hyperparameters, beside those that the framework knows; these win.
        tags: Words to find the run by.
        dir: The store's folder.
        sinks: What reads the run while it lives; a server if left out, `[]` for nobody.
        run_id: Id of the run; one that exists is gone on with.
        capture: What of the output is recorded: `"warnings"`, `"all"` or None.
        every_n_steps: Record the values of every n-th step only.
        system_interval: Seconds between samples of CPU, memory and GPUs; 0 for none.
        run: A run to record into, instead of one of its own. Who made it ends it.
        control: Whether readers may steer the training; the same on all ranks.
        resume: Left out: a checkpoint's run is gone on with, where it says which that is. True: that of
            `run_id`, or `RunNotFound`; "allow": or it begins; False: a new run begins.
        stop_when: When it is good enough, such as `"val/acc > 0.98"`: see `Run.stop_when`.
    """

    def __init__(
        self,
        name: str | None = None,
        project: str | None = None,
        config: dict[str, Any] | None = None,
        tags: Sequence[str] = (),
        dir: str | Path | None = None,
        sinks: Sequence[Sink] | None = None,
        run_id: str | None = None,
        capture: Literal["warnings", "all"] | None = "warnings",
        every_n_steps: int = 1,
        system_interval: float = 5.0,
        run: Run | None = None,
        control: bool = True,
        resume: bool | str | None = None,
        stop_when: str | None = None,
    ) -> None:
        self.name = name
        self.project = project
        self.config = dict(config or {})
        self.tags = list(tags)
        self.dir = dir
        self.sinks = sinks
        self.run_id = run_id
        self.capture = capture
        self.every_n_steps = max(1, every_n_steps)
        self.system_interval = system_interval
        self.control = control
        self.stop_when = None if stop_when is None else str(Criterion.parse(stop_when))
        self.resume = wanted(resume).mode
        if self.resume == "must" and run_id is not None and not rank_from_environment():
            must_exist(run_id, dir)
        self._given = run
        self._last: str | None = None  # the run that was recorded last
        self._session: Any = None
        self._helm: Any = None  # what obeys readers, on every rank of a training
        self._failed = False

    @property
    def run(self) -> Run:
        """The run that is open; before and after it, and on other ranks, one that does nothing."""
        if (session := self._session) is not None:  # asked for from any thread
            return cast(Run, session.run)
        return self._given or disabled(self.name or "")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return answer(self, name)

    def __call__(self, *said: Any) -> None:
        """Say what to import instead: called by a framework whose callbacks are functions."""
        tell(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_with(error) if error is not None else self._end()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None, "_helm": None, "_failed": False}

    def _make_session(self, run: Run, owned: bool) -> Session:
        """Return a session; a framework that must remember more has its own."""
        return Session(run, owned)

    def _open(
        self,
        *,
        leads: bool,
        framework: str,
        versions: Mapping[str, str],
        config: Mapping[str, Any],
        totals: Totals | None = None,
        world_size: int = 1,
        resumed_step: int | None = None,
        suffix: str | None = None,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        """Open a session if this rank leads; `saved` is what `_kept` gave to the checkpoint begun from."""
        self._failed = False
        if not leads:
            return
        known: dict[str, Any] = {"framework": framework, "versions": versions}
        known.update(totals=totals, resumed_step=resumed_step)
        config = {**config, **self.config}
        run = self._given
        if run is not None:
            run.configure(apart(run, self.name, framework, config), **known)
        else:
            give_up_others(self, self.run_id or (saved or {}).get("run"))
            name = " ".join(part for part in (self.name, suffix) if part)
            run = init(
                self.project,
                name or None,
                config,
                id=self.run_id,
                resume=self._resumption(saved),
                dir=self.dir,
                sinks=self.sinks,
                capture=self.capture,
                system_interval=self.system_interval,
                tags=self.tags,
                rank=0,
                world_size=world_size,
                **known,
            )
        run.stop_when(self.stop_when)
        self._last = run.id or None
        self._session = self._make_session(run, run is not self._given)
        enter(self)
        # A trainer that is thrown away in the middle of a training says nothing of it.
        what = "the trainer was thrown away"
        self._session.orphaned = weakref.finalize(self, abandon, self._session, what)
        self._session.orphaned.atexit = False

    def _kept(self) -> dict[str, Any] | None:
        """Return what a checkpoint should hold of the run; None where there is none."""
        return {"run": self._last} if self._last else None

    def _resumption(self, saved: Mapping[str, Any] | None) -> Any:
        """Return how to go on with a run, as `livecb.init` takes it: what it cannot find, it begins."""
        if isinstance(saved, Mapping) and self.run_id is None and self.resume != "never":
            return saved
        return "allow" if self.resume == "must" and self.run_id is not None else self.resume

    def _end(self, status: Any = "completed", reason: str | None = None) -> None:
        """Close the session, and its run if the callback opened it."""
        if (session := self._close()) is not None and session.owned:
            session.run.finish(status, reason=reason)

    def _give_up(self, what: str) -> None:
        """Close the session of a training whose end no hook has told."""
        if (session := self._close()) is not None:
            abandon(session, what)

    def _end_with(self, error: BaseException) -> None:
        """Close the session with what ended the training.

        An error may be caught, and a run that was given gone on with; what is no `Exception` ends
        the process, whatever is left of its reason by then.
        """
        session = self._close()
        if session is not None and (session.owned or not isinstance(error, Exception)):
            session.run.finish_with(error)

    def _close(self) -> Session | None:
        leave(self)  # first: other threads look at all that record
        session: Session | None = self._session
        self._session = None
        self._failed = False  # of this training: the next one is recorded again
        helm, self._helm = self._helm, None
        if helm is not None and session is not None and not session.owned:
            helm.leave()
        if session is not None and session.orphaned is not None:
            session.orphaned.detach()
        return session

    def _tell_progress(self, meter: Meter | None, done: float, *, always: bool = False) -> None:
        if meter is not None and (always or meter.is_due()):
            self._session.run.progress(**meter.read(done))

    def _is_nth(self, before: int, now: int) -> bool:
        """Whether a multiple of `every_n_steps` lies in (before, now]."""
        return now // self.every_n_steps > before // self.every_n_steps

    def _fail(self, hook: str, error: Exception) -> None:
        self._failed = True
        said = f"{type(self).__name__}.{hook} failed: {type(error).__name__}: {error}"
        warn(f"{said}. Training goes on, without being recorded further")
        if self._session is not None:
            self._session.run.alert("livecb stopped recording", said, "ERROR")
