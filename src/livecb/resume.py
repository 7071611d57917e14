"""Resume: whether a training goes on with a run that is there, and what that run's past leaves to it.

The law: two trainings never write one run's story at once. A run is gone on with by whoever gets its
writer's lock; anyone else begins a run of its own, which says what it was resumed from.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from livecb import endings, events
from livecb.errors import EventError, RunNotFound, warn
from livecb.events import decode
from livecb.lock import WriterLock
from livecb.logs.file import FileLog
from livecb.store import Store, StoredRun

__all__ = ["NOTE", "Claim", "Mode", "Past", "claim", "must_exist", "note", "noted", "past", "wanted"]

NOTE = "livecb.json"
"""In a checkpoint's folder, where frameworks have no other place in it: the run that saved it."""

Mode = Literal["join", "allow", "must", "never"]

_MODES: dict[object, Mode] = {
    None: "join",
    "auto": "join",
    "join": "join",
    "allow": "allow",
    True: "must",
    "must": "must",
}
_MODES.update({False: "never", "never": "never"})

_AXES = ("step", "batch", "epoch", "samples", "tokens")
_NEAR = 3


class Wanted(NamedTuple):
    """What `resume=` asks for.

    Attributes:
        mode: `join`: an id that is there is gone on with, and while its writer lives, added to; `allow`:
            it is gone on with unless its writer lives; `must`: and it has to be there; `never`: a new run.
        run: The run that a checkpoint names.
        places: Where that stood, by axis.
    """

    mode: Mode
    run: str | None = None
    places: Mapping[str, Any] = {}


class Claim(NamedTuple):
    """A run's folder, and what came of asking for it.

    Attributes:
        stored: The run.
        lock: Its writer's lock, None where another process holds it and this one adds to its run.
        origin: The run that was asked for and could not be gone on with.
        words: What the last writer left when it died.
    """

    stored: StoredRun
    lock: WriterLock | None
    origin: str | None = None
    words: str = ""


class Past(NamedTuple):
    """What earlier attempts of a run leave to the next one.

    Attributes:
        attempts: How many there were.
        open: Whether the last one's log does not say how it ended.
        name: What the run is called.
        config: Its settings.
        summary: What stood beside the ends.
        places: Where the run stood, by axis: at the step that is gone on from, or last.
    """

    attempts: int = 0
    open: bool = False
    name: str | None = None
    config: Mapping[str, Any] = {}
    summary: Mapping[str, Any] = {}
    places: Mapping[str, Any] = {}


def wanted(resume: Any) -> Wanted:
    """Return what the argument `resume` asks for; what is none of its values is said once, and left out."""
    if isinstance(resume, Mapping):  # Run.state_dict(), out of a checkpoint
        run = resume.get("run")
        return Wanted("allow", str(run) if run else None, {axis: resume.get(axis) for axis in _AXES})
    try:
        return Wanted(_MODES[resume])
    except (KeyError, TypeError):
        warn(
            "expected resume to be True, False, 'allow' or what run.state_dict() returned, "
            f"got {resume!r}: left out"
        )
        return Wanted("join")


def must_exist(run_id: str | None, root: str | os.PathLike[str] | None) -> None:
    """See to it that a run is there; where none is named, say that a new one begins.

    Raises:
        RunNotFound: It is not; the message names those near.
    """
    if run_id is None:
        warn(
            "resume=True names no run, and a new one begins: say which to go on with by run_id=, "
            "or give what run.state_dict() returned, out of a checkpoint, to livecb.init(resume=...)"
        )
        return
    store = Store(root)
    ids = store.run_ids()
    if run_id in ids:
        return
    near = difflib.get_close_matches(run_id, ids, _NEAR, cutoff=0.4) or ids[-_NEAR:]
    there = f"there are {', '.join(near)}" if near else "there are no runs"
    raise RunNotFound(
        f"resume=True, and no run {run_id!r} in {store.root}: {there}. "
        "Name the store with dir= or LIVECB_DIR, or say resume='allow' to begin the run where it is missing"
    )


def claim(root: str | os.PathLike[str] | None, run_id: str | None, wish: Wanted) -> Claim:
    """Return the run to write, with its lock held, or without one to add to a run that lives.

    Args:
        root: The store's folder.
        run_id: Its id as the user says it; None for that of the checkpoint, or a new one.
        wish: How to go on with it.

    Raises:
        OSError, StoreError: There is nowhere to write.
    """
    store = Store.writable(root)
    asked = run_id or wish.run
    exists = asked is not None and asked in store.run_ids()
    if wish.mode == "never" and exists:
        warn(f"there is a run {asked!r} already, and resume=False: a run of another id begins")
        asked = None
    if run_id is None and asked is not None and not exists:
        # Its checkpoint came from another store, or it was deleted: its name is not ours to take.
        return _claim_new(store, asked)
    stored = store.create(asked)
    words = stored.last_words() if exists else ""  # what locks it next removes them
    lock = WriterLock(stored.lock_path)
    lives = endings.live_run(stored.id) is not None or (wish.mode != "join" and exists and stored.alive())
    if not lives and lock.acquire():
        return Claim(stored, lock, None, words)
    if wish.mode == "join":
        return Claim(stored, None)
    warn(f"run {stored.id!r} is still being written, and cannot be gone on with: another run begins")
    return _claim_new(store, stored.id)


def _claim_new(store: Store, origin: str) -> Claim:
    stored = store.create()
    lock = WriterLock(stored.lock_path)
    lock.acquire()
    return Claim(stored, lock, origin)


def note(path: str | os.PathLike[str], run_id: str) -> None:
    """Note beside a checkpoint which run saved it; where that cannot be written, it says nothing."""
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as file:
            file.write(msgspec.json.encode({"run": run_id}))


def noted(path: str | os.PathLike[str]) -> dict[str, str] | None:
    """Return what `note` left, as `claim` takes it; None if there is nothing."""
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def past(stored: StoredRun, step: int | None = None) -> Past:
    """Read what a run's log says of its earlier attempts.

    Args:
        stored: The run.
        step: The step that is gone on from; None if the last place is wanted.
    """
    log, cursor, found = FileLog(stored.part_path()), "0", _Reader(step)
    while (batch := log.read(cursor)).lines:
        cursor = batch.cursor
        for line in batch.lines:
            found.feed(line)
    return found.past()


class _Place(msgspec.Struct):
    """Of an event's line only what is asked of all of them."""

    step: int | None = None
    batch: int | None = None
    epoch: float | None = None


_TOLD = tuple(f'{{"type":"{kind}"'.encode() for kind in ("run_started", "config", "run_ended"))
_METRICS = b'{"type":"metrics"'
_place = msgspec.json.Decoder(_Place)


class _Reader:
    """Goes through a log's lines, and looks closely at the few that matter."""

    def __init__(self, step: int | None) -> None:
        self._step = step
        self._attempts = 0
        self._open = False
        self._name: str | None = None
        self._config: dict[str, Any] = {}
        self._summary: dict[str, Any] = {}
        self._last = b""

    def feed(self, line: bytes) -> None:
        if line.startswith(_METRICS):
            if self._step is None or (_where(line).step or 0) <= self._step:
                self._last = line
        elif line.startswith(_TOLD):
            try:
                self._take(decode(line))
            except EventError:  # a torn line
                pass

    def past(self) -> Past:
        where = _where(self._last) if self._last else _Place()
        places = {"step": where.step, "batch": where.batch, "epoch": where.epoch}
        return Past(self._attempts, self._open, self._name, self._config, self._summary, places)

    def _take(self, event: object) -> None:
        if isinstance(event, events.RunStarted):
            self._attempts += 1
            self._open, self._name = True, event.name
            self._config.update(event.config)
        elif isinstance(event, events.Config):
            self._config = {
                name: value for name, value in self._config.items() if name not in event.removed
            } | event.config
        elif isinstance(event, events.RunEnded):
            self._open = False
            self._summary.update(event.summary)


def _where(line: bytes) -> _Place:
    try:
        return _place.decode(line)
    except msgspec.DecodeError:
        return _Place()
