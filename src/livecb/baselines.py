"""Baselines: runs that others are compared with, each under a name.

What a baseline's run had reached is kept with it, so that it stays what it was though the run goes on or is
deleted. Each is a file of its own in the store's `.baselines`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import msgspec

from livecb.errors import StoreError
from livecb.store import Store, write_whole

__all__ = ["Baseline", "Baselines"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Baseline(msgspec.Struct):
    """What others are compared with.

    Attributes:
        run: The run's id.
        taken: When what it had reached was written down, Unix seconds.
        metrics: By key: `value`, `best` and `goal` as State has them.
        config: Its hyperparameters.
    """

    name: str
    run: str
    taken: float
    metrics: dict[str, dict[str, Any]]
    config: dict[str, Any] = {}
    description: str = ""


class Baselines:
    """The baselines of a store."""

    def __init__(self, store: Store) -> None:
        self.folder = store.root / ".baselines"

    def all(self) -> list[Baseline]:
        """Return all that can be read, by their names."""
        names = sorted(path.stem for path in self.folder.glob("*.json"))
        return [known for name in names if (known := self.get(name)) is not None]

    def get(self, name: str) -> Baseline | None:
        """Return the one of a name, None if there is none.

        Raises:
            StoreError: The name is none.
        """
        try:
            return msgspec.json.decode(self._path(name).read_bytes(), type=Baseline)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def put(self, baseline: Baseline) -> None:
        """Keep one; it takes the place of another of its name.

        Raises:
            StoreError: The name is none, or it cannot be written.
        """
        write_whole(self._path(baseline.name), msgspec.json.encode(baseline))

    def remove(self, name: str) -> bool:
        """Forget one; false if there is none.

        Raises:
            StoreError: The name is none, or it cannot be removed.
        """
        try:
            os.unlink(self._path(name))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"cannot remove the baseline {name}: {error.strerror}") from error
        return True

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise StoreError(
                f"expected a baseline's name of letters, digits, '.', '_' and '-' (up to 128), got {name!r}"
            )
        return self.folder / f"{name}.json"
