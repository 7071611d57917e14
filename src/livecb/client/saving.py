"""A file on its way to the disk: whole and as its hash says, or not there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType

from livecb.errors import ServerError, StoreError

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
        self._spare = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self._digest = digest
        self._hash = hashlib.sha256()
        self._size = 0

    def __enter__(self) -> Saving:
        try:
            self._file = self._spare.open("wb")
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}; name another file") from error
        return self

    def write(self, chunk: bytes) -> None:
        """Take a piece."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self._size += len(chunk)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        whole = self._digest in (None, self._hash.hexdigest())
        if kind is None and whole:
            os.replace(self._spare, self.path)
            return
        self._spare.unlink()
        if kind is None and self._digest:
            raise _damaged(self._digest, self._size)


def _damaged(digest: str, size: int) -> ServerError:
    return ServerError(f"expected the file {digest}, got {size} bytes of another; ask again")
