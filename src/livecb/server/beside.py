"""Answers about long logs, kept beside the log of a run that is over, for the next server.

An answer is one to exactly what was asked, of logs with exactly these sizes and times, and whole: its head
holds its hash. A store that cannot be written to has none; what cannot be read is as if it were not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from livecb import __version__
from livecb.errors import StoreError
from livecb.server.kept import Mark, mark_of
from livecb.store import StoredRun, write_whole

__all__ = ["Marked", "get", "keep", "put"]

_MADE_BY = f"{__version__}+2"  # counts up when an answer says something else
_MOST = 6
"""Of so many questions the answers are kept, those that were answered last."""

_LARGEST = 8 << 20
"""A larger answer is not kept, here or in memory."""

_NAME = ".answer-"
_SPARE = re.compile(r"\.{1,2}(row|answer-[0-9a-f]+)\.json\.[0-9]+(\.[0-9a-f]+)?")
_ABANDONED = 600.0


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
    path = _path(run, asked)
    try:
        head, _, answer = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if head != _head(mark, answer):
        return None
    with contextlib.suppress(OSError):  # a store that we may only read
        os.utime(path)  # what is asked for stays
    return answer


def put(run: StoredRun, asked: tuple[Any, ...], mark: Marked, answer: bytes) -> None:
    """Keep an answer about a run that nobody writes any more."""
    path = _path(run, asked)
    with contextlib.suppress(OSError):  # another server does the same
        if len(answer) > _LARGEST or run.alive() or mark_of(run) != mark.logs:
            return
        if not keep(path, _head(mark, answer) + b"\n" + answer):
            return
        others = [other for other in run.folder.glob(f"{_NAME}*.json") if other != path]
        for old in sorted(others, key=lambda other: other.stat().st_mtime)[: max(0, len(others) + 1 - _MOST)]:
            old.unlink(missing_ok=True)


def keep(path: Path, content: bytes) -> bool:
    """Write what can be made again, if that is possible; remove what a server that was killed left of it.

    The folder of a run that is gone would be made anew: whoever calls this looks whether it is there.
    """
    try:
        write_whole(path, content)
    except (OSError, StoreError):  # a store that we may only read, or a full disk
        return False
    with contextlib.suppress(OSError):  # another server does the same
        for name in os.listdir(path.parent):
            spare = path.parent / name if _SPARE.fullmatch(name) else None
            if spare and time.time() - spare.stat().st_mtime > _ABANDONED:
                spare.unlink(missing_ok=True)
    return True


def _path(run: StoredRun, asked: tuple[Any, ...]) -> Path:
    digest = hashlib.blake2b(msgspec.json.encode(asked), digest_size=8).hexdigest()
    return run.folder / f"{_NAME}{digest}.json"


def _head(mark: Marked, answer: bytes) -> bytes:
    return msgspec.json.encode([_MADE_BY, *mark, hashlib.blake2b(answer, digest_size=16).hexdigest()])
