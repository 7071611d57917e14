"""How much one may ask for: requests a second, and streams at once; wrong tokens, hardly any.

The law: what is kept is bounded, however many addresses ask, and whoever brings a right token is never kept
out by somebody else's wrong ones.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from livecb.server.access import Access
from livecb.server.replies import Problem

__all__ = ["ADDRESS_RATE", "ADDRESS_STREAMS", "Buckets", "Limits", "address_of"]

ADDRESS_RATE = 500.0
"""Requests a second from one address, where no token is asked for."""

ADDRESS_STREAMS = 1000
"""Streams that may be open at once from one address, where no token is asked for."""

WRONG_RATE = 1.0
"""Wrong tokens a second from one address, after the first `WRONG`."""

WRONG = 20
_BURST_SECONDS = 5.0
_MOST = 10_000


def address_of(scope: Scope) -> str:
    """Return the address that a request came from; of IPv6 the network, of which each host has plenty."""
    host = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return host


class Buckets:
    """For each who asks, how much is left, which fills up again with time; the last to ask are known."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def wait(self, key: str, rate: float, most: float, now: float, take: bool = True) -> float:
        """Return after how many seconds one may be taken; 0: it may now, and it was."""
        left, at = self._left.get(key, (most, now))
        left = min(most, left + (now - at) * rate)
        allowed = left >= 1
        self._left[key] = (left - (allowed and take), now)
        self._left.move_to_end(key)
        while len(self._left) > _MOST:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / rate


class Limits:
    """What all who ask have left."""

    def __init__(self) -> None:
        self._asked = Buckets()
        self._wrong = Buckets()
        self._streams: Counter[str] = Counter()

    def check(self, access: Access, address: str) -> None:
        """Count a request.

        Raises:
            Problem: There were too many lately.
        """
        key, rate, _ = _of(access, address)
        if rate is None:
            return
        wait = self._asked.wait(key, rate, max(1.0, rate * _BURST_SECONDS), time.monotonic())
        if wait:
            detail = f"{access.who} may ask {rate:g} times a second, and asked more often"
            raise _too_many("Too many requests", detail, wait)

    @contextmanager
    def stream(self, access: Access, address: str) -> Iterator[None]:
        """Count a stream while it is open.

        Raises:
            Problem: Too many are.
        """
        key, _, most = _of(access, address)
        if most is not None and self._streams[key] >= most:
            detail = f"{access.who} may have {most} streams open at once, and has: close one"
            raise _too_many("Too many streams", detail, 5.0)
        self._streams[key] += 1
        try:
            yield
        finally:
            self._streams[key] -= 1
            if not self._streams[key]:
                del self._streams[key]

    def may_guess(self, address: str) -> bool:
        """Whether few wrong tokens came from an address lately."""
        return not self._wrong.wait(address, WRONG_RATE, WRONG, time.monotonic(), take=False)

    def guessed_wrong(self, address: str) -> Problem | None:
        """Count a wrong token; return the answer to it where there were too many."""
        wait = self._wrong.wait(address, WRONG_RATE, WRONG, time.monotonic())
        if not wait:
            return None
        return _too_many("Too many wrong tokens", "many wrong tokens came from this address lately", wait)


def _of(access: Access, address: str) -> tuple[str, float | None, int | None]:
    if access.id:
        return f"token {access.id}", access.rate, access.streams
    if access.owner:
        return "", None, None
    return f"address {address}", ADDRESS_RATE, ADDRESS_STREAMS


def _too_many(title: str, detail: str, wait: float) -> Problem:
    seconds = max(1, math.ceil(wait))
    return Problem(429, title, f"{detail}; try again in {seconds} s", headers={"retry-after": str(seconds)})
