"""Answers about long logs, kept beside the log of a run that is over, for the next server.

An answer is one to exactly what was asked, of logs with exactly these sizes and times. A store that cannot be
written to has none; what cannot be read is as if it were not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from livecb import __version__
from livecb.server.kept import Mark
from livecb.store import StoredRun

__all__ = ["Marked", "get", "put"]

_MADE_BY = f"{__version__}+1"  # counts up when an answer says something else
_MOST = 6
"""Of so many questions the answers are kept, those that were answered last."""

_NAME = ".answer-"


class Marked(NamedTuple):
    """What an answer was made of.

    Attributes:
        logs: The sizes and times of the logs.
        words: The last words of the process, where the answer tells them.
    """

    logs: Mark
    words: str = ""


def get(run: StoredRun, asked: tuple[Any, ...], mark: Marked) -> bytes | None:
    """Return the answer that is kept; None if there is none."""
    try:
        head, _, answer = _path(run, asked).read_bytes().partition(b"\n")
    except OSError:
        return None
    return answer if head == _head(mark) else None


def put(run: StoredRun, asked: tuple[Any, ...], mark: Marked, answer: bytes) -> None:
    """Keep an answer about a run that nobody writes any more."""
    path = _path(run, asked)
    spare = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):  # a store that we may only read
        if run.alive():
            return
        others = [other for other in run.folder.glob(f"{_NAME}*.json") if other != path]
        for old in sorted(others, key=lambda other: other.stat().st_mtime)[: max(0, len(others) + 1 - _MOST)]:
            old.unlink(missing_ok=True)
        spare.write_bytes(_head(mark) + b"\n" + answer)
        os.replace(spare, path)


def _path(run: StoredRun, asked: tuple[Any, ...]) -> Path:
    digest = hashlib.blake2b(msgspec.json.encode(asked), digest_size=8).hexdigest()
    return run.folder / f"{_NAME}{digest}.json"


def _head(mark: Marked) -> bytes:
    return msgspec.json.encode([_MADE_BY, *mark])
