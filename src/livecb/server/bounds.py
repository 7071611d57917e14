"""How much a request may be, and how long it may take: what everybody may send before it is known who asks.

Bodies are bounded where they are read, each for what it holds (`livecb.server.body`).
"""

from __future__ import annotations

import sys

from starlette.types import Scope

from livecb.server.replies import Problem

__all__ = [
    "BODY_SECONDS",
    "FRAMES",
    "HEADERS",
    "HEAD_BYTES",
    "HEAD_SECONDS",
    "MESSAGE_BYTES",
    "PONG_BYTES",
    "RATE",
    "TARGET_BYTES",
    "check_head",
    "most_connections",
]

HEAD_BYTES = 64 << 10
"""Of a request's head: its line and headers."""

HEADERS = 100
"""How many headers a request has."""

TARGET_BYTES = 32 << 10
"""Of a path with its query."""

HEAD_SECONDS = 15.0
"""Until a request's head is there, from its first byte, or from when the connection was made."""

BODY_SECONDS = 30.0
"""In which a body that is on its way brings at least `RATE` times as many bytes."""

RATE = 500
"""Bytes of a body a second."""

MESSAGE_BYTES = 64 << 10
"""Of a WebSocket message that a reader sends."""

FRAMES = 256
"""How many frames a WebSocket message comes in."""

PONG_BYTES = 1 << 20
"""Of answers to pings that a reader does not take."""

_CONNECTIONS = 8192


def most_connections(*, alone: bool) -> int:
    """Return how many connections may be open at once.

    Args:
        alone: Whether the process does nothing but serve. Elsewhere half of its files are left to the rest.
    """
    if sys.platform == "win32":
        return 500  # what `select` takes there is little more
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = hard if alone else soft
    return _CONNECTIONS if files == resource.RLIM_INFINITY else max(8, min(_CONNECTIONS, files // 2))


def check_head(scope: Scope) -> Problem | None:
    """Refuse a request whose address or headers are too long, or too many."""
    target = len(scope["path"]) + len(scope["query_string"])
    if target > TARGET_BYTES:
        detail = f"an address has at most {TARGET_BYTES} bytes, got {target}: ask for less at once"
        return Problem(414, "Too long an address", detail)
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > HEADERS or size > HEAD_BYTES:
        detail = (
            f"a request has at most {HEADERS} headers of {HEAD_BYTES} bytes, got {len(headers)} of {size}: "
            "send fewer; cookies of other servers on this host count, too"
        )
        return Problem(431, "Too many headers", detail)
    return None
