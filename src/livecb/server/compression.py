"""Answers as gzip, for who asks for it: JSON as it goes out, the page's own files once.

Streams are not: what they would save nobody on a line of any use notices (`benchmarks/compress.py`).
"""

from __future__ import annotations

import functools
import os
import zlib
from collections.abc import Awaitable, Callable

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from livecb.errors import ServerError

__all__ = ["LEAST", "accepts_gzip", "compressing", "packed"]

LEAST = 1000
"""Bytes of an answer that is worth it: a packet holds what is smaller."""

_INLINE = 64 << 10
"""Bytes that are compressed in half a millisecond; what is more is done in a thread."""

_FAST, _SMALL = 1, 9
_GZIP = 31

Work = Callable[[Callable[[], bytes]], Awaitable[bytes]]


def accepts_gzip(scope: Scope) -> bool:
    """Whether who asks takes gzip."""
    words = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
    weights: dict[str, float] = {}
    for word in words.decode("latin-1").lower().split(","):
        name, _, more = word.partition(";")
        weights[name.strip()] = _weight(more)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(word: str) -> float:
    name, _, value = word.partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def compressing(scope: Scope, send: Send, work: Work) -> Send:
    """Return a `send` that compresses answers of JSON, if who asks takes that.

    Args:
        work: Does what takes long, in a thread.
    """
    return _Compressing(send, work, accepts_gzip(scope)).send


class _Compressing:
    """Holds an answer's beginning back until it knows how long the answer is."""

    def __init__(self, send: Send, work: Work, wanted: bool) -> None:
        self._send = send
        self._work = work
        self._wanted = wanted
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_json(message):
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            body = message.get("body", b"")
            MutableHeaders(scope=start).add_vary_header("Accept-Encoding")
            if self._wanted and len(body) >= LEAST and not message.get("more_body"):
                message = {**message, "body": await self._packed(start, body)}
            await self._send(start)
        await self._send(message)

    async def _packed(self, start: Message, body: bytes) -> bytes:
        try:
            small = await self._work(lambda: _pack(body)) if len(body) > _INLINE else _pack(body)
        except ServerError:  # it is stopping: the answer itself is there
            return body
        headers = MutableHeaders(scope=start)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(small))
        return small


def _is_json(message: Message) -> bool:
    headers = MutableHeaders(scope=message)
    kind = headers.get("content-type", "").partition(";")[0]
    return kind in ("application/json", "application/problem+json") and "content-encoding" not in headers


def _pack(body: bytes, level: int = _FAST) -> bytes:
    made = zlib.compressobj(level, zlib.DEFLATED, _GZIP)  # `compress` takes no format before Python 3.11
    return made.compress(body) + made.flush()


def packed(path: str | os.PathLike[str], changed: float) -> bytes:
    """Return a file of the page as gzip, which is made once.

    Raises:
        OSError: It cannot be read.
    """
    return _packed_file(os.fspath(path), changed)


@functools.lru_cache(64)
def _packed_file(path: str, changed: float) -> bytes:
    with open(path, "rb") as file:
        return _pack(file.read(), _SMALL)
