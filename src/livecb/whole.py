"""A file that is there whole or not at all: it is written beside its place, and put there at the end.

The law: no reader ever sees half of it. Whatever goes wrong, what was there stays, and nothing beside it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["spare_of", "whole"]


def spare_of(path: Path) -> Path:
    """Return a place beside a file that nobody else writes to."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the block is left, unless something was raised in it.

    Raises:
        OSError: It cannot be written, or cannot take that place.
    """
    spare = spare_of(path)
    try:
        with spare.open("wb") as file:
            yield file
        os.replace(spare, path)
    except BaseException:
        with contextlib.suppress(OSError):
            spare.unlink(missing_ok=True)
        raise
