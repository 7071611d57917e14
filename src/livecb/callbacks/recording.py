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

__all__ = ["abandon", "apart", "enter", "give_up_others", "leave", "stream_of"]

# By `id`. They come, go and are listed in one step each, which a WeakSet does not promise: callbacks of
# several threads do so at once, and so may a handler of signals amid any of them.
_recording: weakref.WeakValueDictionary[int, Stream] = weakref.WeakValueDictionary()
_unnamed: weakref.WeakKeyDictionary[Run, list[Mapping[str, Any]]] = weakref.WeakKeyDictionary()


def enter(stream: Stream) -> None:
    """Know a callback as one that records, from when it has a session."""
    _recording[id(stream)] = stream


def leave(stream: Stream) -> None:
    """Know it no longer; harmless where it was not known."""
    _recording.pop(id(stream), None)


def _sessions() -> list[tuple[Stream, Session]]:
    """Return what records now, without what another thread closes in between."""
    streams = [stream for known in _recording.valuerefs() if (stream := known()) is not None]
    return [(stream, session) for stream in streams if (session := stream._session) is not None]


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
    if not run_id:
        return
    for other, session in _sessions():
        here = session.owned and session.thread == threading.get_ident()
        if other is not stream and here and session.run.id == run_id:
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
    return next((stream for stream, session in _sessions() if session.training is training), None)


def _at_exit() -> None:
    for _, session in _sessions():
        abandon(session, "the program ended")


# Called before the one that takes a run still open at the end of the program for completed: that
# was registered earlier. Whoever caught the exception that ended the training did not tell us.
atexit.register(_at_exit)
