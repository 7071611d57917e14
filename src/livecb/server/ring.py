"""The latest ticks, bounded by bytes; and what was read from disk for those who are further behind.

Whoever asks for the same gets the same bytes: a piece is joined once, a chunk is read and framed once.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livecb.server.tail import Place

__all__ = ["Piece", "Ring", "Shelf", "Tick"]

_MAX_TICKS = 4096


@dataclass(frozen=True, slots=True)
class Tick:
    """What one look found: its frames, the place after them, and how often each log was replaced by then."""

    data: bytes
    end: Place
    generations: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive ticks as one: also the number of the tick after them, and how many events they hold."""

    data: bytes
    next: int
    end: Place
    generations: Mapping[str, int]
    events: int = 0


class Ring:
    """Ticks by number.

    Args:
        glue: What stands between two frames.
        limit: Bytes to keep; the latest tick is always kept.
        send: About how many bytes a piece may have.
        count: Tells how many events framed data holds.

    Attributes:
        first: The number of the oldest tick.
        next: The number that the next tick will have.
    """

    def __init__(self, glue: bytes, limit: int, send: int, count: Callable[[bytes], int] = len) -> None:
        self.first = 0
        self.next = 0
        self._glue = glue
        self._limit = limit
        self._send = send
        self._count = count
        self._bytes = 0
        self._ticks: deque[Tick] = deque()
        self._joined: dict[int, Piece] = {}

    def add(self, tick: Tick) -> None:
        """Take in the next tick; the oldest go."""
        self._ticks.append(tick)
        self._bytes += len(tick.data)
        self.next += 1
        self._joined.clear()
        while len(self._ticks) > 1 and (self._bytes > self._limit or len(self._ticks) > _MAX_TICKS):
            self._bytes -= len(self._ticks.popleft().data)
            self.first += 1

    def piece(self, number: int) -> Piece:
        """Return the ticks from `number` on, as many as are sent at once."""
        piece = self._joined.get(number)
        if piece is None:
            piece = self._joined[number] = self._join(number)
        return piece

    def clear(self) -> None:
        """Forget all ticks; numbers go on."""
        self._ticks.clear()
        self._joined.clear()
        self._bytes = 0
        self.first = self.next

    def _join(self, number: int) -> Piece:
        tick = self._ticks[number - self.first]
        size, datas, following = len(tick.data), [tick.data], number + 1
        while following < self.next and size < self._send:
            tick = self._ticks[following - self.first]
            size += len(tick.data)
            datas.append(tick.data)
            following += 1
        data = datas[0] if len(datas) == 1 else self._glue.join(filter(None, datas))
        return Piece(data, following, tick.end, tick.generations, self._count(data))


class Shelf:
    """Chunks read from disk, by where they begin; the least lately asked for go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._chunks: OrderedDict[Place, tuple[bytes, Place]] = OrderedDict()

    def get(self, begin: Place, bound: Place) -> tuple[bytes, Place] | None:
        """Return what follows a place and where it ends, if it is still there and not beyond the bound."""
        chunk = self._chunks.get(begin)
        if chunk is None or any(at > most for at, most in zip(chunk[1], bound, strict=False)):
            return None
        self._chunks.move_to_end(begin)
        return chunk

    def put(self, begin: Place, data: bytes, end: Place) -> None:
        """Keep a chunk."""
        self._bytes += len(data) - len(self._chunks.pop(begin, (b"", ()))[0])
        self._chunks[begin] = (data, end)
        while self._bytes > self._limit and self._chunks:
            _, (old, _) = self._chunks.popitem(last=False)
            self._bytes -= len(old)

    def clear(self) -> None:
        """Forget all: the log is another."""
        self._chunks.clear()
        self._bytes = 0
