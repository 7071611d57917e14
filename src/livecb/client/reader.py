"""The client that blocks until it has an answer: what it reads."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from livecb.client import calls, reading, rights
from livecb.client.baselines import Baselines, Comparison, comparison
from livecb.client.curves import Series, Values
from livecb.client.following import Follower
from livecb.client.pages import Candidates, ErrorPage, EventPage, LogPage, MarkPage, MediaPage, NotePage
from livecb.client.records import Flat, RunRow, RunState
from livecb.client.rights import Access, Change, Link, Tokens
from livecb.client.trash import Trash
from livecb.events import AnyEvent, Unknown
from livecb.logs.base import START
from livecb.logs.following import Following
from livecb.logs.http import client_of, follow, send

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Reader"]

T = TypeVar("T")


class Reader:
    """The verbs of a `Client` that change nothing."""

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        self.address = calls.address_of(address, token)
        self._http = client_of(self.address)
        self.baselines = Baselines(self._do)
        self.tokens = Tokens(self._do)
        self.trash = Trash(self._do)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._http.close()

    def list(
        self,
        *,
        status: str | None = None,
        project: str | None = None,
        framework: str | None = None,
        tag: str | Collection[str] | None = None,
        search: str | None = None,
        archived: bool | None = False,
        sort: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[RunRow]:
        """Return runs, newest first.

        Args:
            status: Only of these, with commas between them: `running`, `failed`, ..., `active` or `over`.
            project: Only of this one.
            framework: Only with this one.
            tag: Only with this one, or with each of these.
            search: Words that id, name, project and tags hold.
            archived: Only those put away; None for all.
            sort: `name`, `started`, `metrics.val/loss` ...; `-` before it turns it round.
            limit: How many at most; None: all.
            after: Those after this run: the last one of the page before.
        """
        call = reading.runs(
            archived,
            status=status,
            project=project,
            framework=framework,
            tag=tag,
            search=search,
            sort=sort,
            limit=limit,
            after=after,
        )
        return self._do(call)

    def each_run(
        self,
        *,
        status: str | None = None,
        project: str | None = None,
        framework: str | None = None,
        tag: str | Collection[str] | None = None,
        search: str | None = None,
        archived: bool | None = False,
        sort: str | None = None,
    ) -> Iterator[RunRow]:
        """Yield all runs that match, asked for page by page; see `list`."""
        call = reading.each_run(
            archived,
            status=status,
            project=project,
            framework=framework,
            tag=tag,
            search=search,
            sort=sort,
        )
        return self._each(call)

    def get(self, run: str) -> RunState:
        """Return how a run stands.

        Raises:
            RunNotFound: There is none of this id.
        """
        return self._do(reading.run(run))

    def flat(self, run: str) -> Flat:
        """Return how a run stands, on one level: for a line in a report."""
        return self._do(reading.flat(run))

    def events(
        self,
        run: str,
        cursor: str = START,
        *,
        types: Collection[str] | None = None,
        limit: int = 1000,
        wait: float = 0,
    ) -> EventPage:
        """Return events after a cursor.

        Args:
            run: The run's id.
            cursor: Where to begin; `end` for what comes from now on.
            types: Event types (`metrics`) and channels (`training`, `progress`, `logs`, `media`, `system`);
                all if None.
            limit: How many at most.
            wait: Seconds to wait for the first one, up to 30.

        Raises:
            CursorError: The cursor is none.
        """
        return self._do(reading.events(run, cursor, types, limit, wait))

    def follow(
        self,
        run: str,
        cursor: str = START,
        *,
        types: Collection[str] | None = None,
        until_end: bool = True,
    ) -> Follower:
        """Yield events as they come, until the run is over; each once, whatever breaks on the way.

        A connection that breaks is taken up again where it was, after a pause that grows with each failure.
        Where a proxy swallows streams, it asks again and again instead.

        Args:
            run: The run's id.
            cursor: Where to begin: the beginning, `end`, or a cursor that was kept.
            types: As in `events`.
            until_end: False: go on when the run is over; it may be taken up again.

        Raises:
            ServerError: While iterating: the server cannot be reached at first. Later it is waited for.
        """
        following = Following(run, cursor, types, until_end=until_end)
        return Follower(follow(self._http, following), cursor)

    def read(self, run: str, cursor: str = START, *, types: Collection[str] | None = None) -> Follower:
        """Yield the events there are, and wait for none."""
        following = Following(run, cursor, types, live=False)
        return Follower(follow(self._http, following), cursor)

    def logs(self, run: str, cursor: str = START) -> Follower:
        """Yield the lines of text there are: log records and output."""
        return self.read(run, cursor, types=["log"])

    def search(
        self,
        run: str,
        words: str | None = None,
        cursor: str = START,
        *,
        level: str | None = None,
        logger: str | None = None,
        stream: str | None = None,
        limit: int | None = None,
        last: int | None = None,
    ) -> LogPage:
        """Return lines of text; `search(run, cursor=page.cursor)` gives those after a page.

        Args:
            run: The run's id.
            words: That the message holds all of, whatever their case.
            cursor: Where to begin.
            level: Of this one (`WARNING`) or a graver one.
            logger: Of this one, or one below it.
            stream: Of `stdout` or `stderr`.
            limit: How many at most, up to 10000.
            last: The last so many instead.
        """
        query = {"level": level, "logger": logger, "stream": stream, "limit": limit, "last": last}
        return self._do(reading.search(run, cursor, search=words, **query))

    def errors(
        self, run: str, cursor: str = START, *, limit: int | None = None, last: int | None = None
    ) -> ErrorPage:
        """Return what went wrong: errors in its log, alerts, candidates that failed, how it ended."""
        return self._do(reading.errors(run, cursor, limit, last))

    def notes(
        self, run: str, cursor: str = START, *, limit: int | None = None, last: int | None = None
    ) -> NotePage:
        """Return what readers and the training noted, as it stands; after a later cursor, what changed."""
        return self._do(reading.notes(run, cursor, limit, last))

    def marks(self, run: str) -> MarkPage:
        """Return checkpoints, alerts, notes and answered commands: the newest of each."""
        return self._do(reading.marks(run))

    def leaderboard(self, run: str, *, limit: int | None = None) -> Candidates:
        """Return the candidates of a search, the best first."""
        return self._do(reading.leaderboard(run, limit))

    def metrics(
        self,
        run: str,
        names: str | Collection[str] | None = None,
        *,
        x: str = "step",
        points: int | None = 1000,
        start: float | None = None,
        end: float | None = None,
    ) -> Series:
        """Return metrics as columns: `client.metrics(run).to_pandas()`.

        Args:
            run: The run's id.
            names: Which; all if None.
            x: The axis: `step`, `epoch`, `time`, `batch`, `samples` or `tokens`.
            points: How many at most of each, thinned with minima and maxima kept; None for as many as the
                server gives.
            start: From where on the axis.
            end: To where.
        """
        return self._all(reading.metrics(run, names, x, points, start, end))

    def values(
        self, run: str, name: str, *, x: str = "step", start: float | None = None, end: float | None = None
    ) -> Values:
        """Return every value of one metric as it was logged, none thinned out.

        Args:
            run: The run's id.
            name: Which metric.
            x: The axis that `start` and `end` are places on.
            start: From where.
            end: To where.
        """
        return self._all(reading.values(run, name, x, start, end))

    def samples(
        self, run: str, *, epoch: int | str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """Return a page of samples, the newest first.

        Args:
            run: The run's id.
            epoch: Only of this one; `none` for those that say none.
            before: The `next` of the page before.
            limit: How many at most, up to 500.
        """
        return self._do(reading.media(run, "samples", limit, epoch=epoch, before=before))

    def each_sample(self, run: str, *, epoch: int | str | None = None) -> Iterator[AnyEvent | Unknown]:
        """Yield all samples, the newest first, asked for page by page; see `samples`."""
        return self._each(reading.each_medium(run, "samples", epoch=epoch))

    def images(
        self, run: str, *, name: str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """Return a page of pictures and figures, the newest first; see `samples`."""
        return self._do(reading.media(run, "images", limit, name=name, before=before))

    def each_image(self, run: str, *, name: str | None = None) -> Iterator[AnyEvent | Unknown]:
        """Yield all pictures and figures, the newest first, asked for page by page."""
        return self._each(reading.each_medium(run, "images", name=name))

    def media(
        self, run: str, type: str, *, name: str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """Return a page of `audio`, `histogram` or `table` events, the newest first; see `samples`."""
        return self._do(reading.media(run, "media", limit, type=type, name=name, before=before))

    def compare(self, run: str, *, baseline: str | None = None, other: str | None = None) -> Comparison:
        """Return how a run stands beside a baseline, or beside another run."""
        return self._do(comparison(run, baseline, other))

    def checkpoints(self, run: str) -> reading.Rows:
        """Return checkpoints and artifacts: their `number`, and whether they are `available` to download."""
        return self._do(reading.checkpoints(run))

    def access(self) -> Access:
        """Return what the token that this client brings may."""
        return self._do(rights.access())

    def shares(self, run: str) -> _Links:
        """Return the links that show a run."""
        return self._do(rights.shares(run))

    def audit(self, limit: int = 100) -> _Changes:
        """Return who changed what, and from where, the newest first."""
        return self._do(rights.audit(limit))

    def _do(self, call: calls.Call[T]) -> T:
        return call.decode(*send(self._http, call.ask))

    def _each(self, call: calls.Call[calls.Chain[T]]) -> Iterator[T]:
        following: calls.Call[calls.Chain[T]] | None = call
        while following is not None:
            page = self._do(following)
            yield from page.items
            following = page.next

    def _all(self, pages: Generator[calls.Call[Any], Any, T]) -> T:
        answer = None
        while True:
            try:
                call = pages.send(answer)
            except StopIteration as end:
                return cast(T, end.value)
            answer = self._do(call)


# The class above has a method of the same name.
_Links = list[Link]
_Changes = list[Change]
