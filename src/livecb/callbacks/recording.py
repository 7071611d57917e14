"""The callbacks that record a training now, and what becomes of a training whose end nobody tells."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livecb.callbacks.base import Session, Stream
    from livecb.run import Run

__all__ = ["abandon", "apart", "give_up_others", "recording", "stream_of"]

recording: weakref.WeakSet[Stream] = weakref.WeakSet()
_unnamed: weakref.WeakKeyDictionary[Run, list[Mapping[str, Any]]] = weakref.WeakKeyDictionary()


def abandon(session: Session, what: str) -> None:
    """End the run of a training whose end no hook has told, if it was begun for that."""
    fate = session.fate(what)
    if session.owned and fate is not None:
        session.run.finish(fate[0], reason=fate[1])


def give_up_others(stream: Stream, run_id: str | None) -> None:
    """End what recorded a run in this thread, as another training is to go on with it.

    A thread does one thing at a time: an exception has ended the training before, and a notebook, or who
    caught it, may keep all of it alive.
    """
    for other in list(recording):
        session = other._session
        here = session.owned and session.thread == threading.get_ident()
        if run_id and other is not stream and here and session.run.id == run_id:
            other._give_up("another training began")


def apart(run: Run, name: str | None, framework: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of one of several models of a run, to stand beside those of the others."""
    if name:
        return {name: config}
    known = _unnamed.setdefault(run, [])
    place = next((place for place, other in enumerate(known) if _same(other, config)), len(known))
    if place == len(known):
        known.append(config)
    return {f"{framework} {place + 1}": config} if place else config


def _same(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # arrays, which have no answer
        return False


def stream_of(training: object) -> Stream | None:
    """Return the stream that records a training, None if none does; see `Session.training`."""
    known = [stream for stream in list(recording) if stream._session.training is training]
    return known[0] if known else None


def _at_exit() -> None:
    for stream in list(recording):
        abandon(stream._session, "the program ended")


# Called before the one that takes a run still open at the end of the program for completed: that
# was registered earlier. Whoever caught the exception that ended the training did not tell us.
atexit.register(_at_exit)
