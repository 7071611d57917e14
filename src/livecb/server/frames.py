"""What goes over the wire: the log's lines as they stand, in the dress of a transport.

A framing turns lines into bytes once, for all viewers at the same place. A line that is no event (it does not
begin with its type, is no JSON, or is not UTF-8) is never passed on; it is counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from livecb.errors import LivecbError
from livecb.events import EVENTS, type_of

__all__ = [
    "CHANNELS",
    "SSE",
    "Framing",
    "NoFraming",
    "Sieve",
    "WebSocketFraming",
    "as_event",
    "dump",
    "types_of",
    "well_formed",
]

CHANNELS: dict[str, frozenset[str]] = {
    "training": frozenset(
        (
            "run_started config status metrics checkpoint artifact model_completed alert note command "
            "controls run_ended"
        ).split()
    ),
    "progress": frozenset({"progress", "status"}),
    "logs": frozenset({"log"}),
    "media": frozenset({"sample", "image", "figure", "histogram", "table", "audio"}),
    "system": frozenset({"system"}),
}
"""Names for sets of event types."""

dump = msgspec.json.encode
_values = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Sieve:
    """Which lines pass: events, of some types or of all; it counts what was no event."""

    def __init__(self, types: frozenset[str] | None = None) -> None:
        self.types = types
        self.broken = 0

    @staticmethod
    def parse(words: str) -> frozenset[str] | None:
        """Return the types that a comma-separated list of types and channels means; None is all.

        Raises:
            LivecbError: A word is neither; the message names all that there are.
        """
        found = [word.strip() for word in words.split(",") if word.strip()]
        for word in found:
            if word not in CHANNELS and word not in EVENTS:
                raise LivecbError(
                    f"expected types to be channels ({', '.join(CHANNELS)}) or event types "
                    f"({', '.join(EVENTS)}), got {word!r}"
                )
        return types_of(found)

    def sift(self, lines: Sequence[bytes], offsets: Sequence[str]) -> list[tuple[bytes, str]]:
        """Return the lines to be passed on, each with its offset."""
        passed: list[tuple[bytes, str]] = []
        types = self.types
        for line, at in zip(lines, offsets, strict=True):
            if (event := as_event(line)) is None:
                self.broken += 1
            elif types is None or type_of(event) in types:
                passed.append((event, at))
        good = well_formed([event for event, _ in passed])
        if all(good):
            return passed
        self.broken += good.count(False)
        return [pair for pair, fine in zip(passed, good, strict=True) if fine]


def types_of(words: Iterable[str]) -> frozenset[str] | None:
    """Return the types that words for types and channels mean; None is all."""
    return frozenset[str]().union(*(CHANNELS.get(word, {word}) for word in words)) or None


def well_formed(lines: Sequence[bytes]) -> list[bool]:
    """Return for each line whether it is one JSON value; all are looked at together where all are.

    One line that is none would spoil the answer it stands in, and with it all the others.
    """
    try:
        # Compared, since two broken lines may make up for each other.
        if _values(b"[" + b",".join(lines) + b"]") == list(map(msgspec.Raw, lines)):
            return [True] * len(lines)
    except (msgspec.DecodeError, RecursionError):
        pass
    return [_is_json(line) for line in lines]


def _is_json(line: bytes) -> bool:
    try:
        return len(_values(b"[" + line + b"]")) == 1
    except (msgspec.DecodeError, RecursionError):
        return False


def as_event(line: bytes) -> bytes | None:
    """Return a line that looks like an event, None if it does not; without parsing it.

    JSON holds a raw carriage return only between tokens, where a space means the same; in an SSE
    message it would end the line.
    """
    if not line.startswith(b'{"type":"'):
        return None
    if b"\r" in line:
        line = line.replace(b"\r", b" ").rstrip()
    if not line.endswith(b"}"):
        return None
    return line if line.isascii() or _is_utf8(line) else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


class Framing(ABC):
    """How lines and messages look on one transport."""

    name = ""
    glue = b""
    """What stands between two framed pieces that are sent as one."""

    @abstractmethod
    def lines(
        self, run: str | None, lines: Sequence[tuple[bytes, str]], before: bytes, after: bytes
    ) -> bytes:
        """Frame lines, each with its offset, which `before` and `after` make a cursor."""

    @abstractmethod
    def message(self, event: str, data: dict[str, Any] | msgspec.Raw) -> bytes:
        """Frame one message of the transport itself."""

    def count(self, data: bytes) -> int:
        """Return how many events framed data holds; transport messages are none."""
        return 0

    @abstractmethod
    def cursor(self, cursor: str) -> bytes:
        """Frame the news that all up to a cursor is seen, though nothing of it passed the filter."""


class SSE(Framing):
    """Server-sent events: one message a line, its cursor as the id."""

    name = "sse"

    def count(self, data: bytes) -> int:
        """As the framing promises."""
        return data.count(b'\ndata: {"type":')  # what is no event does not begin with its type

    def lines(
        self, run: str | None, lines: Sequence[tuple[bytes, str]], before: bytes, after: bytes
    ) -> bytes:
        """As the framing promises."""
        head = b"event: %b\nid: %b" % (run.encode(), before) if run else b"id: " + before
        middle = after + b"\ndata: "
        return b"".join([b"%b%b%b%b\n\n" % (head, at.encode(), middle, line) for line, at in lines])

    def message(self, event: str, data: dict[str, Any] | msgspec.Raw) -> bytes:
        """As the framing promises."""
        return b"event: %b\ndata: %b\n\n" % (event.encode(), dump(data))

    def cursor(self, cursor: str) -> bytes:
        """As the framing promises."""
        return b"id: %b\n\n" % cursor.encode()


class WebSocketFraming(Framing):
    """WebSocket: messages of one or more lines of JSON."""

    name = "websocket"
    glue = b"\n"

    def count(self, data: bytes) -> int:
        """As the framing promises."""
        lines = b"\n" + data
        others = sum(lines.count(b'\n{"type":"%b"' % kind) for kind in (b"cursor", b"run", b"reset"))
        return lines.count(b"\n{") - others

    def lines(
        self, run: str | None, lines: Sequence[tuple[bytes, str]], before: bytes, after: bytes
    ) -> bytes:
        """As the framing promises."""
        if not lines:
            return b""
        out = [b'{"type":"run","run":%b}' % dump(run)] if run else []
        out += [line for line, _ in lines]
        out.append(self.cursor((before + lines[-1][1].encode() + after).decode()))
        return b"\n".join(out)

    def message(self, event: str, data: dict[str, Any] | msgspec.Raw) -> bytes:
        """As the framing promises."""
        if isinstance(data, dict):
            return dump({"type": event, **data})
        return b'{"type":%b,%b:%b}' % (dump(event), dump(event), bytes(data))

    def cursor(self, cursor: str) -> bytes:
        """As the framing promises."""
        return dump({"type": "cursor", "cursor": cursor})


class NoFraming(Framing):
    """For whoever only wants to know that there is something new."""

    name = "none"

    def lines(
        self, run: str | None, lines: Sequence[tuple[bytes, str]], before: bytes, after: bytes
    ) -> bytes:
        """As the framing promises."""
        return b""

    def message(self, event: str, data: dict[str, Any] | msgspec.Raw) -> bytes:
        """As the framing promises."""
        return b""

    def cursor(self, cursor: str) -> bytes:
        """As the framing promises."""
        return b""
