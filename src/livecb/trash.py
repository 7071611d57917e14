"""The trash: deleted runs, which can be brought back until it is emptied.

Deleting moves a run's folder into `.trash` of its store, so that nothing is lost by a slip. The time of the
folder says when. A further run of the same id lies there with a number behind it, which it keeps. What has
lain there for `DAYS` goes for good when the next run is deleted.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from livecb.errors import RunNotFound, RunWritten, StoreError
from livecb.store import Store, StoredRun

__all__ = ["DAYS", "Trash", "Trashed"]

DAYS = 30
"""How long a deleted run can be brought back at least."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,160}")


class Trashed(NamedTuple):
    """A deleted run.

    Attributes:
        run: Its id; a number stands behind it where another one of this id lies there, too.
        deleted: When, Unix seconds.
    """

    run: str
    deleted: float


class Trash:
    """The deleted runs of a store.

    Args:
        store: The store.
        goes: Is told of each run that goes for good, before it does.
    """

    def __init__(self, store: Store, goes: Callable[[Trashed], object] | None = None) -> None:
        self.store = store
        self.folder = store.root / ".trash"
        self._goes = goes

    def list(self) -> list[Trashed]:
        """Return what lies there, what was deleted last first.

        Raises:
            StoreError: It cannot be looked into.
        """
        return sorted(self._entries(), key=lambda entry: entry.deleted, reverse=True)

    def deleted(self, name: str) -> float | None:
        """Return when a run that lies there was deleted, Unix seconds; None if none of this name does."""
        try:
            return os.stat(self.folder / name).st_mtime if _NAME.fullmatch(name) else None
        except OSError:
            return None

    def put(self, run: StoredRun) -> Trashed:
        """Delete a run.

        Raises:
            RunWritten: Its writer lives.
            StoreError: It cannot be moved.
        """
        if run.alive():
            raise RunWritten(f"run {run.id} is being written; stop it before you delete it")
        self._empty_before(time.time() - DAYS * 86400)
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            place = self._free_place(run.id)
            os.rename(run.folder, place)
            if StoredRun(place).alive():  # a writer came in between; it holds what it has open
                os.rename(place, run.folder)
                raise RunWritten(f"run {run.id} was taken up again just now; stop it before you delete it")
            now = time.time()  # the kernel's own mark is some milliseconds old
            os.utime(place, (now, now))
        except OSError as error:
            raise StoreError(f"cannot move {run.folder} to {self.folder}: {error.strerror}") from error
        return Trashed(place.name, place.stat().st_mtime)

    def restore(self, name: str) -> StoredRun:
        """Bring a run back.

        Raises:
            RunNotFound: It does not lie there.
            StoreError: There is a run of its id, or it cannot be moved.
        """
        place, back = self._place(name), self.store.root / name
        if back.exists():
            raise StoreError(f"there is a run {name!r} again; delete or rename its folder before")
        try:
            os.rename(place, back)
        except OSError as error:
            raise StoreError(f"cannot move {place} to {back}: {error.strerror}") from error
        return StoredRun(back)

    def remove(self, name: str) -> None:
        """Remove a run for good.

        Raises:
            RunNotFound: It does not lie there.
            StoreError: It cannot be removed.
        """
        self._remove(Trashed(self._place(name).name, self.deleted(name) or 0.0))

    def empty(self) -> int:
        """Remove all for good; return how many they were.

        Raises:
            StoreError: One cannot be removed.
        """
        return self._empty_before(float("inf"))

    def _empty_before(self, deadline: float) -> int:
        old = [entry for entry in self._entries() if entry.deleted < deadline]
        for entry in old:
            self._remove(entry)
        return len(old)

    def _entries(self) -> Iterator[Trashed]:
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                        yield Trashed(entry.name, entry.stat().st_mtime)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot look into {self.folder}: {error.strerror}") from error

    def _place(self, name: str) -> Path:
        place = self.folder / name
        if not _NAME.fullmatch(name) or not place.is_dir():
            raise RunNotFound(f"no run {name!r} among the deleted ones; it may be gone for good")
        return place

    def _free_place(self, run: str) -> Path:
        place, number = self.folder / run, 2
        # Under its new name it is to be told from any other run, and to have room when it comes back.
        while place.exists() or (place.name != run and (self.store.root / place.name).exists()):
            place, number = self.folder / f"{run}.{number}", number + 1
        return place

    def _remove(self, entry: Trashed) -> None:
        place = self.folder / entry.run
        if self._goes is not None:
            self._goes(entry)
        try:
            shutil.rmtree(place)
        except OSError as error:
            raise StoreError(f"cannot remove {place}: {error.strerror}") from error
