"""`livecb.init`: from arguments and environment to a Run that is being recorded and served."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from livecb import endings, events
from livecb.capture import Capture
from livecb.errors import RunNotFound, warn
from livecb.events import VERSION, Totals
from livecb.latest import begins_run
from livecb.lock import WriterLock, process_started
from livecb.logs.file import FileLog
from livecb.resume import Past, Wanted, claim, must_exist, past, wanted
from livecb.run import Run
from livecb.sinks.base import Sink
from livecb.store import MAIN, Store, StoredRun
from livecb.system import Sampler
from livecb.values import plain

__all__ = ["attach", "disabled", "init", "rank_from_environment"]

_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
_MOST_WORDS = 4000
_WORLDS = ("WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")


@begins_run
def init(
    project: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    id: str | None = None,
    run_id: str | None = None,
    resume: bool | str | Mapping[str, Any] | None = None,
    dir: str | os.PathLike[str] | None = None,
    sinks: Sequence[Sink] | None = None,
    capture: str | None = "warnings",
    system_interval: float = 5.0,
    tags: Iterable[str] = (),
    framework: str | None = None,
    versions: Mapping[str, str] | None = None,
    totals: Totals | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    resumed_step: int | None = None,
    stop_when: str | None = None,
) -> Run:
    """Start recording a run, and serve it.

    Where nothing can be recorded (a full disk, no rights), it warns and returns a Run whose verbs do
    nothing. A rank above 0 does nothing either, unless `id` or `LIVECB_RUN_ID` names the run it adds to.

    Args:
        project: What it belongs to (`LIVECB_PROJECT`).
        name: Free text to show (`LIVECB_NAME`); the run's id if there is none.
        config: Hyperparameters; anything that has a JSON form, and the `repr` of what has none.
        id: Id of the run (`LIVECB_RUN_ID`). One that exists is gone on with as its next attempt;
            nothing recorded is overwritten. While its writer lives, this process adds to it.
        run_id: The same as `id`, by the name that callbacks have for it.
        resume: How to go on with a run that is there. What `run.state_dict()` returned, out of a
            checkpoint of yours: with the run it names, at the place it names. `"allow"`: with the run
            `id`, or begin it where it is missing. True: the run must be there; where none is
            named, a warning says that a new one begins. False: begin a new run in any case. A run that is
            still being written is left alone: another begins, which says what it was resumed from.
        dir: The store's folder (`LIVECB_DIR`).
        sinks: What reads the run while it lives; `[Server()]` if left out (nobody with
            `LIVECB_MODE=offline`), `[]` for nobody.
        capture: What of the output becomes `log` events: `"warnings"` (Python's warnings, and logging
            records of WARNING and above), `"all"` (stdout, stderr and those), or None.
        system_interval: Seconds between samples of CPU, memory and GPUs; 0 for none.
        tags: Words to find it by.
        framework: What trains.
        versions: Versions of what matters, by name.
        totals: How much there is to do.
        rank: Rank of this process; from the environment if left out.
        world_size: Number of ranks; from the environment if left out.
        resumed_step: The step this training goes on from; with `resume`, the last one if left out.
        stop_when: When it is good enough, such as `"val/acc > 0.98"`: see `Run.stop_when`.

    Returns:
        The run; also a context manager, which ends it with what ended the block.

    Raises:
        RunNotFound: `resume=True`, and the run is not there; nothing else raises.
    """
    lock: WriterLock | None = None
    try:
        rank = rank_from_environment() if rank is None else int(rank)
        wish = wanted(resume)
        id = id or run_id
        if id is None and (id := os.environ.get("LIVECB_RUN_ID") or None):
            wish = wish._replace(mode="join")  # who leads the run may be alive, and wants us to add to it
        if _mode() == "disabled" or (rank > 0 and id is None):
            return disabled(name or "", config)
        if wish.mode == "must" and rank == 0:
            must_exist(id or None, dir)
        if id and rank == 0 and wish.mode == "join" and (open_already := endings.live_run(id)) is not None:
            open_already.configure(config)
            return open_already
        if resumed_step is None:
            resumed_step = wish.places.get("step")
        if rank > 0:
            return _attach(Store.writable(dir).create(id), name or "", str(rank), rank)
        claimed = claim(dir, id, wish)
        stored, lock = claimed.stored, claimed.lock
        if lock is None:
            joined = _attach(stored, name or "", None, rank)
            if config or totals or framework or versions or resumed_step is not None:
                joined.configure(
                    _settings(config),
                    totals=totals,
                    framework=framework,
                    versions=versions,
                    resumed_step=resumed_step,
                )
            return joined
        before = past(stored, resumed_step)
        started = {
            "run": stored.id,
            "name": str(name or os.environ.get("LIVECB_NAME") or before.name or stored.id),
            "project": _text(project or os.environ.get("LIVECB_PROJECT")),
            "framework": _text(framework),
            "versions": _texts({"python": sys.version.partition(" ")[0], **dict(versions or {})}),
            "totals": totals,
            "tags": [tags] if isinstance(tags, str) else [str(tag) for tag in tags or ()],
            "world_size": _from_environment(_WORLDS, 1) if world_size is None else int(world_size),
            "resumed_step": None if resumed_step is None else int(resumed_step),
            "resumed_run": claimed.origin,
            "attempt": before.attempts + 1,
            "earlier_words": claimed.words[-_MOST_WORDS:] if before.open else "",
        }
        since = stored.log().end()
        run = _open(stored, lock, started, _settings(config), rank)
        _go_on(run, before, wish, resumed_step, counts=framework is None)
    except RunNotFound:
        raise
    except Exception as error:
        if lock is not None:
            lock.release()
        warn(f"nothing is recorded: {error}")
        return disabled(str(name or ""))
    run.stop_when(stop_when)
    try:
        _start_companions(run, capture, system_interval)
        _attach_sinks(run, stored, since, sinks)
    except Exception as error:
        warn(f"run {run.id} is recorded, without all that was asked for: {error!r}")
    return run


def attach(folder: str | None, name: str = "", rank: int = 0, ended: bool = False) -> Run:
    """Return a Run that adds to a run which another process writes (what a pickled Run becomes).

    Where that has ended, or its writer is gone since, what is said to it is not recorded.
    """
    if folder is None:
        return disabled(name)
    stored = StoredRun(Path(folder))
    if not ended and (mine := endings.live_run(stored.id)) is not None:
        return mine
    if not ended and stored.alive():
        return _attach(stored, name, str(rank) if rank else None, rank)
    run = Run(stored, name=name, rank=rank)
    run._ended = True
    return run


def disabled(name: str = "", config: Any = None) -> Run:
    """Return a Run whose verbs do nothing."""
    return Run(None, name=name, config=_settings(config))


def rank_from_environment() -> int:
    """Return this process's rank as its launcher told it, 0 without a launcher."""
    return _from_environment(_RANKS, 0) if _from_environment(_WORLDS, 1) > 1 else 0


def _open(
    stored: StoredRun, lock: WriterLock, started: dict[str, Any], config: Mapping[str, Any], rank: int
) -> Run:
    run = Run(stored, name=started["name"], config=config, rank=rank, open_log=_opener(stored, MAIN))
    run.become_child = lambda: _become_child(run, stored, lock)
    run.hold, run.leave_word = lock.reassert, lock.write
    endings.watch(run, lock.path)
    run.append(
        events.RunStarted,
        {
            **started,
            "version": VERSION,
            "config": dict(config),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_started": process_started(),
            "argv": [str(word) for word in getattr(sys, "argv", [])][:50],
        },
    )
    run._last_closers = [lambda: endings.unwatch(run), lock.release]
    return run


def _go_on(run: Run, before: Past, wish: Wanted, step: int | None, *, counts: bool) -> None:
    """Have a run begin with what its earlier attempts left, and where they stood.

    Args:
        run: The run.
        before: What they left.
        wish: How it goes on; what a checkpoint says of the place goes before what the log says.
        step: The step that is gone on from.
        counts: Whether the loop is the user's own; a framework says itself where it stands.
    """
    run.summary.update(before.summary)
    run._before = before.places
    run._settings.update({name: value for name, value in before.config.items() if name not in run._settings})
    places = {name: value for name, value in wish.places.items() if value is not None}
    if counts and not places and (step is not None or wish.mode != "join"):
        places = dict(before.places)
    if step is None:
        step = places.get("step")
    run._clock = run._origin = int(step or 0)
    if counts:
        run.at(**{name: value for name, value in places.items() if name != "step"})


def _start_companions(run: Run, capture: str | None, interval: float) -> None:
    if capture not in (None, "warnings", "all"):
        warn(f"expected capture to be 'warnings', 'all' or None, got {capture!r}; capturing warnings")
        capture = "warnings"
    if capture is not None:
        tap = Capture(run, everything=capture == "all")
        tap.start()
        run._closers.append(tap.stop)
    if interval > 0:
        sampler = Sampler(run, interval)
        sampler.start()
        run._closers.append(sampler.stop)


def _attach_sinks(run: Run, stored: StoredRun, since: str, sinks: Sequence[Sink] | None) -> None:
    if sinks is None and _mode() == "offline":
        return
    if sinks is None:
        from livecb.sinks.server import Server

        sinks = [Server()]
    for sink in [sinks] if isinstance(sinks, Sink) else sinks:
        try:
            sink.attach(stored, since)
            run._sinks.append(sink)
        except Exception as error:
            warn(f"{type(sink).__name__} does not read this run: {error}")


def _attach(stored: StoredRun, name: str, part: str | None, rank: int) -> Run:
    run = Run(stored, name=name, rank=rank, open_log=_opener(stored, part or f"p{os.getpid()}"))
    run._leads = False
    run.become_child = lambda: _become_child(run, stored, None)
    endings.watch(run)
    run._last_closers = [lambda: endings.unwatch(run)]
    return run


def _become_child(run: Run, stored: StoredRun, lock: WriterLock | None) -> None:
    if lock is not None:
        lock.forget()
    run._leads = False
    run._forget_commands()
    run._sinks, run._closers, run._last_closers = [], [], []
    # One part for all children, which come and go with every epoch; it is opened when one has
    # something to say, as a data-loader worker seldom has.
    run._after_fork(None if run._ended else _opener(stored, "forked"))


def _opener(stored: StoredRun, part: str) -> Callable[[], FileLog]:
    return lambda: FileLog(stored.part_path(part))


def _from_environment(names: tuple[str, ...], default: int) -> int:
    for name in names:
        value = os.environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return default


def _mode() -> str:
    mode = os.environ.get("LIVECB_MODE", "").lower()
    if mode in ("disabled", "off"):
        return "disabled"
    if mode not in ("", "online", "offline"):
        warn(f"expected LIVECB_MODE to be 'disabled', 'offline' or 'online', got {mode!r}: recording")
    return mode


def _settings(config: Any) -> dict[str, Any]:
    """Return a configuration, of any kind that has names and values, as plain JSON."""
    if config is None:
        return {}
    if not isinstance(config, Mapping) and not hasattr(config, "keys"):
        if not hasattr(config, "__dict__"):
            warn(f"config was left out: expected a dict or an object with attributes, got {config!r:.200}")
            return {}
        config = vars(config)  # an argparse.Namespace, a dataclass, a plain object
    settings: dict[str, Any] = plain(dict(config))
    return settings


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}
