"""The audit: who changed what, when, and from where; a line for each, beside the runs.

`audit.jsonl` in the store is readable by its owner alone. Each line is appended with one write, so that
processes need no lock. One that has grown long is put aside once, as `audit.1.jsonl`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import MutableMapping
from typing import Any

import msgspec

from livecb.server.grants import Entry
from livecb.store import Store

__all__ = ["Audit", "Entry", "tell"]

_TOLD = "livecb.audit"
_MOST = 16 << 20
_READ = 4 << 20


def tell(scope: MutableMapping[str, Any], **said: Any) -> None:
    """Add what a request changes to its entry."""
    scope.setdefault(_TOLD, {}).update(said)


def told(scope: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return what was told of a request."""
    found: dict[str, Any] = scope.get(_TOLD, {})
    return found


class Audit:
    """The audit of a store."""

    def __init__(self, store: Store) -> None:
        self.path = store.root / "audit.jsonl"
        self._before = store.root / "audit.1.jsonl"

    def write(self, entry: Entry) -> None:
        """Append an entry; what cannot be written must not keep anybody from stopping a training."""
        line = msgspec.json.encode(entry) + b"\n"
        with contextlib.suppress(OSError):
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, line)
                size = os.fstat(file).st_size
            finally:
                os.close(file)
            if size > _MOST:
                os.replace(self.path, self._before)

    def last(self, count: int) -> list[Entry]:
        """Return the last entries, the newest first."""
        entries: list[Entry] = []
        for path in (self.path, self._before):
            for line in reversed(_lines(path)):
                if len(entries) >= count:
                    return entries
                with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                    entries.append(msgspec.json.decode(line, type=Entry))
        return entries


def now(who: str, address: str, what: str, **more: Any) -> Entry:
    """Return an entry of this moment."""
    return Entry(time=time.time(), who=who, address=address, what=what, **more)


def _lines(path: os.PathLike[str]) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _READ))
            return file.read().splitlines()
    except OSError:
        return []
