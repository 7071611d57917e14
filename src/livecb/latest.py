"""The run begun last, and the verbs at the module that act on it: `livecb.log`, `livecb.finish` ...

So a script that was written for W&B runs when its import is changed to `import livecb as wandb`. What there
is no counterpart of is said where it is asked for, with what to do instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, MutableMapping
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec
from weakref import WeakKeyDictionary

from livecb.endings import latest_run
from livecb.errors import warn
from livecb.values import axis

if TYPE_CHECKING:
    from livecb.config import Config
    from livecb.run import Run

__all__ = [
    "AlertLevel",
    "alert",
    "begins_run",
    "config",
    "current",
    "define_metric",
    "finish",
    "log",
    "login",
    "missing",
    "summary",
]

P = ParamSpec("P")

_IGNORED = frozenset(
    "allow_val_change anonymous config_exclude_keys config_include_keys entity fork_from force magic "
    "monitor_gym resume_from save_code settings sync_tensorboard tensorboard".split()
)
_CURES = {
    "Api": "read runs with livecb.Client, or what is on this disk with livecb.store.Store",
    "Artifact": "keep a file with run.artifact(path)",
    "Html": "say it with run.text, or draw it with run.figure",
    "Object3D": "draw it with run.figure",
    "Plotly": "draw it with run.figure(name, svg_or_png_bytes)",
    "Settings": "livecb.init takes what it needs as arguments",
    "Video": "record frames with run.image",
    "agent": "livecb tracks no sweeps; each training is a run",
    "log_artifact": "keep a file with run.artifact(path)",
    "plot": "draw it with run.figure, or record rows with run.table",
    "restore": "files of a run are in run.folder / 'files'",
    "save": "keep a file with run.artifact(path)",
    "sweep": "livecb tracks no sweeps; each training is a run",
    "use_artifact": "read files of a run from run.folder / 'files'",
}

_begun: Run | None = None
_said: set[str] = set()
_steps: WeakKeyDictionary[Run, int] = WeakKeyDictionary()


class AlertLevel:
    """How bad it is."""

    INFO, WARN, ERROR = "INFO", "WARN", "ERROR"


def begins_run(init: Callable[P, Run]) -> Callable[P, Run]:
    """Note what `livecb.init` begins, and let it take the keywords of W&B's, too."""
    known = frozenset(inspect.signature(init).parameters)

    @wraps(init)
    def begin(*args: P.args, **kwargs: P.kwargs) -> Run:
        global _begun
        foreign = {name: kwargs.pop(name) for name in list(kwargs) if name not in known}
        if not foreign:
            _begun = init(*args, **kwargs)
            return _begun
        reinit = foreign.pop("reinit", None)
        if (open_one := current()) is not None and reinit is not None:
            if reinit == "return_previous":
                return open_one
            if reinit in (True, "finish_previous"):
                open_one.finish()
        notes, mode = foreign.pop("notes", None), foreign.pop("mode", None)
        _translate(foreign, mode, kwargs)
        _begun = init(*args, **kwargs) if mode != "disabled" else _disabled(kwargs)
        if notes:
            _begun.note(str(notes))
        return _begun

    return begin


def current() -> Run | None:
    """Return the run that was begun last and has not ended, None if there is none.

    One that does nothing, as with `LIVECB_MODE=disabled`, counts until another begins.
    """
    if _begun is not None and (_begun.active or _begun.folder is None):
        return _begun
    return latest_run()


def log(values: Mapping[str, Any], step: int | None = None, commit: bool | None = None, **axes: Any) -> None:
    """Record values with the run begun last: see `Run.log`.

    Dicts within `values` become names with slashes. What is logged with `commit=False` belongs to the same
    step as the next call.

    Args:
        values: Numbers, `Image`, `Table` and the like by name.
        step: The step; one more than at the last call if left out.
        commit: False: the next call is about this step, too.
        axes: Further axes, and `context`, as in `Run.log`; others are ignored.
    """
    if (run := _asked("log")) is None:
        return
    flat = _flat(values) if isinstance(values, Mapping) else values
    axes = {name: axes[name] for name in ("batch", "epoch", "samples", "tokens", "context") if name in axes}
    if step is None:
        run.log(flat, commit=commit is not False, **axes)
        return
    run.log(flat, step=step, **axes)
    if (number := _whole(step)) is not None:
        _note_step(run, number)
        run._clock = number - (
            not commit
        )  # without a step, the next call is about this one, unless committed


def config() -> Config:
    """Return the settings of the run begun last; those of a run that does nothing if there is none."""
    return (current() or _disabled({})).config


def summary() -> MutableMapping[str, Any]:
    """Return what stands beside the end of the run begun last."""
    return (current() or _disabled({})).summary


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the run begun last; any exit code but 0 says that it failed."""
    if (run := current()) is None:
        return
    if exit_code:
        run.finish("failed", reason=f"exit code {exit_code}")
    else:
        run.finish()


def alert(title: str, text: str = "", level: Any = "INFO", wait_duration: Any = None) -> None:
    """Record something a person should know; level is INFO (as in W&B, if left out), WARN or ERROR."""
    if (run := _asked("alert")) is not None:
        run.alert(title, text, str(getattr(level, "value", level) or "INFO"))


def define_metric(name: str, *args: Any, **kwargs: Any) -> None:
    """Has no effect: every metric can be drawn over steps, epochs and time, on the page."""


def login(*args: Any, **kwargs: Any) -> bool:
    """Has no effect: there is no account."""
    return True


def missing(name: str, names: list[str]) -> NoReturn:
    """Say what to do instead of a name that is not there.

    Raises:
        AttributeError: Always.
    """
    if name.startswith("__"):
        raise AttributeError(f"module 'livecb' has no attribute {name!r}")
    cure = _CURES.get(name, f"it has {', '.join(sorted(names))}")
    raise AttributeError(f"livecb has no {name!r}: {cure}")


def _asked(verb: str) -> Run | None:
    if (run := current()) is not None:
        return run
    if verb not in _said:
        _said.add(verb)
        warn(f"livecb.{verb} does nothing before livecb.init, or after the run has ended: begin a run first")
    return None


def _whole(step: Any) -> int | None:
    """Return a step as the number that `Run.log` takes it for; None if it is none, which that says."""
    try:
        return int(axis("step", step))
    except Exception:  # whatever it is
        return None


def _note_step(run: Run, step: int) -> None:
    highest = _steps.get(run, step)
    _steps[run] = max(highest, step)
    if step < highest:
        run.warn_once(
            "step goes back",
            f"step {step} comes after step {highest}: it is recorded so, and its curves go back. "
            "Count up, or leave the step out",
        )


def _disabled(kwargs: Mapping[str, Any]) -> Run:
    from livecb.start import disabled

    return disabled(str(kwargs.get("name") or ""), kwargs.get("config"))


def _translate(foreign: dict[str, Any], mode: object, kwargs: dict[str, Any]) -> None:
    """Turn the keywords of W&B's `init` into ours, as far as there are counterparts."""
    if mode == "offline":
        kwargs.setdefault("sinks", [])
    foreign.pop("resume", None)  # an `id` that exists is always gone on with
    groups = [foreign.pop(name, None) for name in ("group", "job_type")]
    if words := [str(word) for word in groups if word]:
        tags = kwargs.get("tags") or ()
        kwargs["tags"] = [*([tags] if isinstance(tags, str) else tags), *words]
    for name in foreign:
        if name not in _said and foreign[name] is not None:
            _said.add(name)
            why = "it has no counterpart" if name in _IGNORED else "there is no such argument"
            warn(f"livecb.init ignores {name}={foreign[name]!r}: {why}")


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(_flat(value, f"{before}{name}/"))
        else:
            flat[f"{before}{name}" if before else name] = value
    return flat
