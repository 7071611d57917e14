"""Source: where a terminal's view of a run comes from, its folder or a server.

What it tells has the shapes of the HTTP API, whichever it is: `State`, series, and the lines of a log. All
but `ask` is called by one thread.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from livecb import events as ev
from livecb.control.commands import Asked
from livecb.errors import RunNotFound
from livecb.events import AnyEvent, Unknown, decode_lines
from livecb.logs.base import START, Batch
from livecb.logs.following import Following, batch_of
from livecb.logs.wire import Address, Ask, answer_of
from livecb.sending import send
from livecb.state import State
from livecb.store import StoredRun
from livecb.text import SELDOM_READ

__all__ = ["LINES", "Served", "Source", "Stored", "find_served"]

LINES = 500
"""Lines of the log that are kept."""

_SHOWN = frozenset(ev.EVENTS) - SELDOM_READ - {"metrics", "controls", "config"}
_READ_SECONDS = 0.5
_LAST = 10
_READ_LINES = 5_000

Json = dict[str, Any]


class Source(ABC):
    """One run.

    Attributes:
        run: Its id.
        where: What stands behind it, as a person says it.
        behind: Whether more is there already than was taken in.
    """

    def __init__(self, run: str, where: str) -> None:
        self.run = run
        self.where = where
        self.behind = False
        self._lines: list[AnyEvent | Unknown] = []

    @abstractmethod
    def look(self) -> Json:
        """Take in what came, for half a second at most, and return the run's State.

        Raises:
            LivecbError: It cannot be read now.
        """

    @abstractmethod
    def curves(self, names: Collection[str], points: int, x: str) -> Json:
        """Return series by name, with about so many points of each."""

    @abstractmethod
    def ask(self, wishes: Sequence[Asked]) -> None:
        """Ask something of the run; what becomes of it stands among the lines.

        Raises:
            LivecbError: It refuses, or cannot be asked.
        """

    def close(self) -> None:  # noqa: B027 - a folder holds nothing
        """Let go of what it holds."""

    def lines(self) -> list[AnyEvent | Unknown]:
        """Return what the log said since this was asked last, without what comes too often to be read."""
        lines, self._lines = self._lines[-LINES:], []
        return lines


class Stored(Source):
    """A run in a store of this machine: its log is folded here.

    Args:
        run: The run.
        noting: Called with each wish that was asked: where there is no server, nobody else writes it down.
    """

    def __init__(self, run: StoredRun, noting: Callable[[Asked], object] = lambda asked: None) -> None:
        super().__init__(run.id, str(run.folder.parent))
        self._run, self._noting = run, noting
        self._begin()

    def _begin(self) -> None:
        self._state, self._cursor = State(self.run), START
        self._names: list[str] = []

    def look(self) -> Json:
        alive = self._run.alive()  # before the log is read: what was said last is in it
        deadline = time.monotonic() + _READ_SECONDS
        self.behind = True
        while self.behind and time.monotonic() < deadline:
            self.behind = self._read()
        return self._state.to_dict(
            alive=alive or self.behind,
            now=time.time(),
            cursor=self._cursor,
            last_words="" if alive else self._run.last_words(),
            labels=self._run.labels,
            rows=LINES,
        )

    def curves(self, names: Collection[str], points: int, x: str) -> Json:
        return dict(self._state.charts(names, points=points, x=x)["series"])

    def ask(self, wishes: Sequence[Asked]) -> None:
        send(self._run, wishes)
        for asked in wishes:
            self._noting(asked)

    def _read(self) -> bool:
        """Take in the next lines; return whether there may be more."""
        if not self._run.folder.is_dir():
            raise RunNotFound(f"run {self.run} is gone: its folder was moved or deleted")
        if (names := self._run.part_names()) != self._names:
            self._names, self._log = names, self._run.log()
        batch = self._log.read(self._cursor, _READ_LINES)
        if batch.reset:
            self._begin()
            self._lines.clear()
            return True
        events = decode_lines(list(batch.lines))
        self._state.feed(events, broken=len(batch.lines) - len(events))
        self._lines += [event for event in events if _is_shown(event)]
        del self._lines[:-LINES]
        self._cursor = batch.cursor
        return bool(batch.lines)


class Served(Source):
    """A run behind a server: it folds the log, and is asked what it comes to."""

    def __init__(self, address: Address, run: str) -> None:
        from livecb.logs.http import client_of

        super().__init__(run, address.base)
        self._http = client_of(address)
        self._cursor: str | None = None

    def look(self) -> Json:
        state: Json = self._answer(Ask.of(self.run))
        if self._cursor is None:
            self._lines += _events(self._answer(Ask.of(self.run, "logs", last=50))["logs"])
            self._cursor = state["cursor"]
        elif state["cursor"] != self._cursor:
            batch = self._past(self._cursor)
            self._lines += decode_lines(list(batch.lines))
            self._cursor = batch.cursor
        return state

    def curves(self, names: Collection[str], points: int, x: str) -> Json:
        if not names:
            return {}
        series: Json = self._answer(Ask.of(self.run, "series", name=list(names), points=points, x=x))[
            "series"
        ]
        return series

    def ask(self, wishes: Sequence[Asked]) -> None:
        for each in wishes:
            said = {"name": each.name, "parameter": each.parameter, "value": each.value, "by": each.by}
            body = {key: value for key, value in said.items() if value is not None}
            path = Ask.of(self.run, "commands").path
            self._answer(Ask(path, method="POST", body=body))

    def follow(self) -> Iterator[AnyEvent | Unknown]:
        """Yield the last lines of what the run said, then all that comes, until it is over."""
        from livecb.logs.http import follow

        last: deque[AnyEvent | Unknown] = deque(maxlen=_LAST)
        cursor = START
        while (batch := self._past(cursor)).lines:
            last.extend(decode_lines(list(batch.lines)))
            cursor = batch.cursor
        yield from last
        for more in follow(self._http, Following(self.run, batch.cursor)):
            yield from decode_lines(list(more.lines))

    def close(self) -> None:
        self._http.close()

    def _past(self, cursor: str) -> Batch:
        types = ",".join(sorted(_SHOWN))
        ask = Ask.of(self.run, "events", cursor=cursor, types=types, limit=_READ_LINES, cursors=1)
        return batch_of(*self._send(ask))[0]

    def _answer(self, ask: Ask) -> Any:
        return answer_of(*self._send(ask), ask.path)

    def _send(self, ask: Ask) -> tuple[int, bytes]:
        from livecb.logs.http import send as ask_server

        return ask_server(self._http, ask)


def find_served(url: str, word: str | None) -> Served:
    """Return a run behind a server: the one in the address, or what a word means there.

    Args:
        url: The address of the server or of a run, with its token.
        word: An id, the beginning or end of one, a name, or `latest`; the latest if None.

    Raises:
        LivecbError: There is no such run, or no server.
    """
    from livecb.logs.http import client_of
    from livecb.logs.http import send as ask_server

    address = Address.parse(url)
    if address.run is not None and word is None:
        return Served(address, address.run)
    with client_of(address) as http:
        ask = Ask("api/runs", {"sort": "-updated", "limit": 1000})
        rows: list[Json] = answer_of(*ask_server(http, ask), ask.path)["runs"]
    if not rows:
        raise RunNotFound(f"there are no runs at {address.base}")
    ids = [row["run"] for row in rows]
    if word in (None, "latest"):
        return Served(address, ids[0])
    assert word is not None
    found = [row["run"] for row in rows if word in (row["run"], row["name"])][:1]
    found = found or [run for run in ids if run.startswith(word) or run.endswith(word)]
    found = found or [row["run"] for row in rows if row["name"].startswith(word)]
    if len(found) > 1:
        raise RunNotFound(f"{len(found)} runs begin or end with {word!r}: {', '.join(found[:5])}; write more")
    if not found:
        raise RunNotFound(f"no run {word!r} at {address.base}; there are {', '.join(ids[:5])}")
    return Served(address, found[0])


def _is_shown(event: AnyEvent | Unknown) -> bool:
    return isinstance(event, Unknown) or event.__struct_config__.tag in _SHOWN


def _events(rows: list[Json]) -> list[AnyEvent | Unknown]:
    import msgspec

    return decode_lines([msgspec.json.encode(row) for row in rows])
