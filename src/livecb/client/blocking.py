"""The client that blocks until it has an answer."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

from livecb.client import calls
from livecb.client.baselines import Baselines, Comparison, comparison
from livecb.client.curves import Series, Values
from livecb.client.following import Follower
from livecb.client.records import Asked, EventPage, MediaPage, RunRow, RunState
from livecb.client.saving import Saving
from livecb.events import Event, FileRef, Note
from livecb.logs.base import START
from livecb.logs.following import Following
from livecb.logs.http import client_of, follow, send, streamed
from livecb.logs.wire import Ask

__all__ = ["Client"]

T = TypeVar("T")


class Client:
    """Runs on a livecb server: listed, read, followed.

    Args:
        address: The server's address as livecb prints it, token included; None for the server of this
            machine's store.
        token: What opens it, where the address does not say.

    Attributes:
        baselines: What runs had reached, kept under names.

    Raises:
        ServerError: It is no address, or no server runs here.
    """

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        self.address = calls.address_of(address, token)
        self._http = client_of(self.address)
        self.baselines = Baselines(self._do)

    def __enter__(self) -> Client:
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
        tag: str | None = None,
        search: str | None = None,
        archived: bool | None = False,
        sort: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Return runs, newest first.

        Args:
            status: Only of these, with commas between them: `running`, `failed`, ..., `active` or `over`.
            project: Only of this one.
            tag: Only with this one.
            search: Words that id, name, project and tags hold.
            archived: Only those put away; None for all.
            sort: `name`, `started`, `metrics.val/loss` ...; `-` before it turns it round.
            limit: How many at most.
        """
        return self._do(
            calls.runs(archived, limit, status=status, project=project, tag=tag, search=search, sort=sort)
        )

    def get(self, run: str) -> RunState:
        """Return how a run stands.

        Raises:
            RunNotFound: There is none of this id.
        """
        return self._do(calls.run(run))

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
        return self._do(calls.events(run, cursor, types, limit, wait))

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
        return self._do(calls.metrics(run, names, x, points, start, end))

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
        return self._do(calls.samples(run, epoch, before, limit))

    def images(
        self, run: str, *, name: str | None = None, before: int | None = None, limit: int = 50
    ) -> MediaPage:
        """Return a page of pictures and figures, the newest first; see `samples`."""
        return self._do(calls.images(run, name, before, limit))

    def file(self, run: str, file: str | FileRef) -> bytes:
        """Return the bytes of a file that an event names, or of a hash.

        Raises:
            ApiError: There is none.
            ServerError: What came is not what the hash says.
        """
        return self._do(calls.file(run, calls.digest_of(file)))

    def download(self, run: str, file: str | FileRef, path: str | os.PathLike[str]) -> Path:
        """Save a file under a path, whole or not at all, however large it is; see `file`."""
        digest = calls.digest_of(file)
        return self._save(calls.file(run, digest).ask, Saving(path, digest))

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
        return self._all(calls.values(run, name, x, start, end))

    def append(self, run: str, events: Iterable[Event], at: str = START, *, part: str | None = None) -> str:
        """Append events of a training elsewhere to a run, which is made where it is new.

        It may be called again with the same place and events when no answer came: what is there already is
        not written again.

        Args:
            run: The run's id.
            events: What it says, in order. None at all: that it lives.
            at: Where this part of the log ended: what the call before returned.
            part: Which part, for a further rank or process.

        Returns:
            The place to go on from.

        Raises:
            ApiError: The log does not end there and goes on with something else (409: `data["cursor"]` says
                where it ends), or is that of a training on the server's machine.
        """
        return self._do(calls.append(run, events, at, part))

    def compare(self, run: str, *, baseline: str | None = None, other: str | None = None) -> Comparison:
        """Return how a run stands beside a baseline, or beside another run."""
        return self._do(comparison(run, baseline, other))

    def note(self, run: str, text: str, *, author: str | None = None, step: int | None = None) -> Note:
        """Write a note on a run, or on one step of it; every viewer sees it."""
        return self._do(calls.note(run, text=text, author=author, step=step))

    def checkpoints(self, run: str) -> calls.Rows:
        """Return checkpoints and artifacts: their `number`, and whether they are `available` to download."""
        return self._do(calls.checkpoints(run))

    def download_checkpoint(self, run: str, number: str, path: str | os.PathLike[str]) -> Path:
        """Save a checkpoint or artifact under a path; a folder comes as a tar.

        Raises:
            ApiError: It is not to be had; the message says why.
        """
        return self._save(calls.checkpoint(run, number), Saving(path))

    def export(self, run: str, path: str | os.PathLike[str], format: str | None = None) -> Path:
        """Save a run as `jsonl` (every event), `csv` or `parquet` (every value of every metric).

        Args:
            run: The run's id.
            path: Where.
            format: Which; as the path ends if None.
        """
        return self._save(calls.export(run, format or Path(path).suffix[1:]), Saving(path))

    def rename(self, run: str, name: str | None) -> None:
        """Call a run something else; None: as it calls itself."""
        self._do(calls.change(run, name=name))

    def tag(self, run: str, tags: Collection[str] | None) -> None:
        """Give a run these tags instead of those it has; None: its own."""
        self._do(calls.change(run, tags=None if tags is None else [*tags]))

    def archive(self, run: str, archived: bool = True) -> None:
        """Leave a run out of the list, or take it in again."""
        self._do(calls.change(run, archived=archived))

    def delete(self, run: str) -> None:
        """Delete a run; `restore` brings it back, for some weeks.

        Raises:
            RunWritten: Its writer lives.
        """
        self._do(calls.delete(run))

    def restore(self, run: str) -> None:
        """Bring a deleted run back."""
        self._do(calls.restore(run))

    def send(
        self,
        run: str,
        name: str,
        *,
        parameter: str | None = None,
        value: float | bool | str | None = None,
        by: str | None = None,
        within: float | None = None,
    ) -> Asked:
        """Ask something of a run that goes on; `command` events of the same id say what becomes of it.

        Args:
            run: The run's id.
            name: `pause`, `resume`, `stop`, `save`, `evaluate`, `sample`, `skip`, `drop`, `add` or `set`.
            parameter: What to set.
            value: What to set it to; of a `pause`, the seconds it lasts at most.
            by: Who asks.
            within: Seconds after which it is not to be obeyed any more.

        Raises:
            CommandRefused: It is no command, the run does not do that, or it has ended.
        """
        return self._do(calls.send(run, name, parameter=parameter, value=value, by=by, within=within))

    def _do(self, call: calls.Call[T]) -> T:
        return call.decode(*send(self._http, call.ask))

    def _all(self, pages: Generator[calls.Call[Any], Any, T]) -> T:
        answer = None
        while True:
            try:
                call = pages.send(answer)
            except StopIteration as end:
                return cast(T, end.value)
            answer = self._do(call)

    def _save(self, ask: Ask, saving: Saving) -> Path:
        with saving, streamed(self._http, ask) as chunks:
            for chunk in chunks:
                saving.write(chunk)
        return saving.path
