"""What goes over HTTP, seen by a reader: addresses, questions, answers, and server-sent events.

Pure: whoever does the I/O, blocking or not, asks here what to send and what came.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

import msgspec

from livecb.errors import (
    ApiError,
    CommandRefused,
    CursorError,
    LivecbError,
    RunNotFound,
    RunWritten,
    ServerError,
)

__all__ = ["Address", "Ask", "Message", "ServerSentEvents", "Upload", "answer_of", "error_of", "unreached"]

_decode = msgspec.json.decode

# What a server calls errors that have a name here, too.
_KINDS: dict[str, type[LivecbError]] = {
    "No such run": RunNotFound,
    "Not a cursor": CursorError,
    "The run is being written": RunWritten,
    "No such command": CommandRefused,
    "The run does not do that": CommandRefused,
    "The run has ended": CommandRefused,
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Attributes:
        base: Its root, ended by a slash; whatever a proxy puts before it included.
        token: What opens it.
        run: The run that the address was of.
    """

    base: str
    token: str | None = None
    run: str | None = None

    @staticmethod
    def parse(text: str, token: str | None = None) -> Address:
        """Take apart an address as livecb prints it, of the list of runs or of one run.

        The token is the given one, else the address's, else `LIVECB_TOKEN`.

        Raises:
            ServerError: It is none.
        """
        parts = _split(text if "://" in text else f"http://{text}")
        if parts is None:
            raise ServerError(
                f"expected an address like 'http://127.0.0.1:7117/?token=...', got {text!r}; "
                "`livecb view` prints the right one"
            )
        folder, mark, run = parts.path.rpartition("/r/")
        if not mark:
            folder, run = parts.path, ""
        given = parse_qs(parts.query).get("token", [None])[0]
        base = f"{parts.scheme}://{parts.netloc}{folder.rstrip('/')}/"
        known = token or given or os.environ.get("LIVECB_TOKEN")
        return Address(base, known, unquote(run.strip("/")) or None)

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine's."""
        name = urlsplit(self.base).hostname or ""
        return name in ("localhost", "::1") or name.endswith(".localhost") or name.startswith("127.")

    @property
    def headers(self) -> dict[str, str]:
        """What every request brings."""
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


def _split(url: str) -> SplitResult | None:
    """Return the parts of an address, None where it is none: `http:/x` has the colon of a port, and none."""
    try:
        parts = urlsplit(url)
        well = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if well and not parts.netloc.endswith(":") else None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be sent as it is: its bytes, or where they lie; `size` is how many they are."""

    source: bytes | os.PathLike[str]
    size: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        path: Relative to the server's root.
        query: What stands behind the question mark; None is left out.
        accept: The type of the answer.
        body: What is sent, as JSON; bytes are lines of it, an `Upload` is a file.
        patience: Seconds in which something must come; None for the client's own.
    """

    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    method: str = "GET"
    accept: str = "application/json"
    body: Any = None
    patience: float | None = None

    @staticmethod
    def of(run: str, what: str = "", **query: Any) -> Ask:
        """Return what asks for something of a run."""
        return Ask(f"api/runs/{quote(run, safe='')}" + (f"/{what}" if what else ""), query)

    @property
    def params(self) -> dict[str, Any]:
        """The query without what is None."""
        return {name: value for name, value in self.query.items() if value is not None}

    @property
    def content(self) -> bytes | None:
        """The body as it is sent; None where there is none, and for a file of the disk."""
        if isinstance(self.body, Upload):
            return self.body.source if isinstance(self.body.source, bytes) else None
        return (
            self.body if self.body is None or isinstance(self.body, bytes) else msgspec.json.encode(self.body)
        )

    @property
    def headers(self) -> dict[str, str]:
        """What the request says beside what all say."""
        said = {"accept": self.accept}
        if self.body is None:
            return said
        if isinstance(self.body, Upload):
            kind = "application/octet-stream"
            return {**said, "content-type": kind, "content-length": str(self.body.size)}
        kind = "application/x-ndjson" if isinstance(self.body, bytes) else "application/json"
        return {**said, "content-type": kind}


def answer_of(status: int, body: bytes, where: str) -> Any:
    """Return what a JSON answer says.

    Raises:
        LivecbError: It is an error; see `error_of`.
    """
    if status >= 400:
        raise error_of(status, body, where)
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        raise ServerError(
            f"expected JSON from {where}, got {body[:80]!r}; see that a livecb server is there, "
            "and no login page before it"
        ) from error


def error_of(status: int, body: bytes, where: str) -> LivecbError:
    """Return the error that an answer means."""
    try:
        said = _decode(body)
        title, detail = str(said.get("title", "")), str(said.get("detail", ""))
    except (msgspec.DecodeError, AttributeError):
        said, title, detail = None, "", body[:200].decode(errors="replace").strip()
    if (kind := _KINDS.get(title)) is not None:
        return kind(detail)
    return ApiError(status, title or "An error", detail or f"{where} answered with {status}", said)


def unreached(where: str, error: Exception) -> ServerError:
    """Return what to raise when nothing answers."""
    return ServerError(
        f"no answer from {where}: {error or type(error).__name__}; see that the server runs "
        "(`livecb view` starts it and prints its address)"
    )


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event; `id` is None where it says none."""

    event: str
    data: bytes
    id: str | None


class ServerSentEvents:
    """Takes a stream's bytes, however they were cut, and gives whole messages.

    What a broken stream left unfinished is never given.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._event = ""
        self._data: list[bytes] = []
        self._id: str | None = None

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Yield the messages that a further piece completes."""
        self._pieces.append(chunk)
        if b"\n" not in chunk:
            return
        *lines, rest = b"".join(self._pieces).split(b"\n")
        self._pieces = [rest]
        for line in lines:
            if line and line != b"\r":
                self._take(line.removesuffix(b"\r"))
            elif (message := self._dispatch()) is not None:
                yield message

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"id":
            self._id = value.decode()
        elif name == b"event":
            self._event = value.decode()

    def _dispatch(self) -> Message | None:
        event, data, at = self._event, b"\n".join(self._data), self._id
        self._event, self._data, self._id = "", [], None
        return Message(event, data, at) if data or at is not None else None
