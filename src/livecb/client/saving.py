"""A file on its way to the disk: whole and as its hash says, or not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from livecb.errors import ServerError, StoreError
from livecb.whole import whole

__all__ = ["Saving", "check"]


def check(data: bytes, digest: str) -> bytes:
    """Return bytes that are those of a hash.

    Raises:
        ServerError: They are others.
    """
    if hashlib.sha256(data).hexdigest() != digest:
        raise _damaged(digest, len(data))
    return data


class Saving:
    """Writes beside a path, and puts the file there when all has come; with a hash, only what that says."""

    def __init__(self, path: str | os.PathLike[str], digest: str | None = None) -> None:
        self.path = Path(path)
        self._digest = digest
        self._hash = hashlib.sha256()
        self._size = 0
        self._writing = self._whole()

    def __enter__(self) -> Saving:
        self._file = self._writing.__enter__()
        return self

    def write(self, chunk: bytes) -> None:
        """Take a piece."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self._size += len(chunk)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writing.__exit__(kind, error, trace)

    @contextmanager
    def _whole(self) -> Iterator[BinaryIO]:
        try:
            with whole(self.path) as file:
                yield file
                if self._digest is not None and self._digest != self._hash.hexdigest():
                    raise _damaged(self._digest, self._size)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}; name another file") from error


def _damaged(digest: str, size: int) -> ServerError:
    return ServerError(f"expected the file {digest}, got {size} bytes of another; ask again")
