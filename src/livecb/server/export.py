"""A run to take along: its lines as they stand, its values as rows, or the page with the run inside."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import Annotated, Any, BinaryIO, Literal

from msgspec import Meta
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from livecb.errors import ServerError
from livecb.series import Row
from livecb.server.files import FileAnswer, attached
from livecb.server.frames import Sieve, types_of
from livecb.server.hub import Hub
from livecb.server.index import Index
from livecb.server.offline import write_copy
from livecb.server.openapi import described
from livecb.server.query import Query, query_of
from livecb.server.replies import Problem
from livecb.server.stream import Types
from livecb.server.tail import Tail
from livecb.store import StoredRun

__all__ = ["COLUMNS", "Export", "rows_of", "write_export"]

COLUMNS = (
    "name",
    "value",
    "step",
    "batch",
    "epoch",
    "samples",
    "tokens",
    "time",
    "rank",
    "context",
    "attempt",
    "abandoned",
)
"""What a row of a table says: one value of one metric, and whether a later attempt gave it up."""

_NDJSON = "application/x-ndjson"
_PARQUET = "application/vnd.apache.parquet"
_HTML = "text/html; charset=utf-8"
_LINES = 2000
_ROWS = 50_000
_PLACES = frozenset({"step", "batch", "samples", "tokens"})
_WHOLE = _PLACES | {"rank", "attempt"}
_WORDS = frozenset({"name", "context"})

Values = tuple[Any, ...]


class ExportQuery(Query):
    """What is taken along, and how."""

    format: Annotated[
        Literal["jsonl", "csv", "parquet", "html"],
        Meta(
            description="events as they stand; a row for each value of each metric; or the page as one file"
        ),
    ] = "jsonl"
    types: Types = []


class Export:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(ExportQuery, media=(_NDJSON, "text/csv", _PARQUET, "text/html"), tag="events", errors=(501,))
    async def export(self, request: Request) -> Response:
        """All events of a run as JSON lines, its values as CSV or Parquet, or the page as one file."""
        run = self.hub.store.run(request.path_params["run"])
        asked = query_of(request, ExportQuery)
        kind = asked.format
        headers = {"cache-control": "no-store", **attached(f"{run.id}.{kind}")}
        if kind == "parquet":
            return await self._parquet(run, headers)
        if kind == "html":
            try:
                return await self._whole(partial(write_copy, run), ".html", headers, _HTML)
            except ServerError as error:
                raise Problem(501, "No page here", str(error)) from error
        sieve = Sieve(types_of(asked.types))
        pieces = _lines(run, sieve) if kind == "jsonl" else _csv(run, self.hub.indexes.closing)
        first = await self.hub.exports.do(lambda: next(pieces, b""))  # a log that cannot be read says so now
        media = _NDJSON if kind == "jsonl" else "text/csv; charset=utf-8"
        return StreamingResponse(self._sent(first, pieces), media_type=media, headers=headers)

    async def _sent(self, first: bytes, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        piece = first
        while piece and not self.hub.closing:
            yield piece
            piece = await self.hub.exports.do(lambda: next(pieces, b""))

    async def _parquet(self, run: StoredRun, headers: dict[str, str]) -> Response:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            detail = "the server has no pyarrow: `pip install livecb[parquet]` there, or ask for csv"
            raise Problem(501, "No Parquet here", detail) from None
        return await self._whole(partial(_write_parquet, run), ".parquet", headers, _PARQUET)

    async def _whole(
        self, write: Callable[..., object], suffix: str, headers: dict[str, str], media: str
    ) -> Response:
        """Answer with a file once it is written: what goes wrong with it is said as everywhere."""
        descriptor, path = tempfile.mkstemp(suffix=suffix, prefix="livecb-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                await self.hub.exports.do(lambda: write(file, stop=self.hub.indexes.closing))
        except BaseException:
            os.unlink(path)
            raise
        gone = BackgroundTask(os.unlink, path)
        return FileAnswer(path, headers=headers, media_type=media, background=gone)


def write_export(run: StoredRun, kind: str, file: BinaryIO) -> None:
    """Write a run as one of `jsonl`, `csv` and `parquet`.

    Raises:
        ServerError: Parquet was asked for, and there is no pyarrow.
        LogError: The log cannot be read.
    """
    if kind == "parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ServerError("there is no pyarrow: `pip install livecb[parquet]`, or take csv") from None
        _write_parquet(run, file)
        return
    for piece in _lines(run, Sieve()) if kind == "jsonl" else _csv(run, bool):
        file.write(piece)


def rows_of(run: StoredRun, stop: Callable[[], bool] = bool) -> Iterator[Values]:
    """Yield one row for each value of each metric, in the order of the log.

    The log is read to its end first: only then it is known what later attempts gave up.

    Raises:
        LogError: The log cannot be read.
    """
    index = Index(run)
    try:
        series = index.look(lambda state, cursor: state.series, stop=stop)
    finally:
        index.close()
    for row in series.rows():
        yield tuple(
            int(value) if name in _PLACES and value is not None else value
            for name, value in zip(COLUMNS, _ordered(row), strict=True)
        )


_ordered: Callable[[Row], Values] = attrgetter(*COLUMNS)


def _stretches(run: StoredRun, sieve: Sieve) -> Iterator[list[bytes]]:
    tail = Tail([run])
    try:
        place, before = tail.pad(()), None
        while place != before:
            before = place
            for stretch in tail.read(place, _LINES):
                if isinstance(stretch, str):
                    return  # the log was replaced: what was said so far is all there is of it
                yield [line for line, _ in sieve.sift(stretch.lines, stretch.offsets)]
                place = stretch.after(place)
    finally:
        tail.close()


def _lines(run: StoredRun, sieve: Sieve) -> Iterator[bytes]:
    for lines in _stretches(run, sieve):
        if lines:
            yield b"\n".join(lines) + b"\n"


def _csv(run: StoredRun, stop: Callable[[], bool]) -> Iterator[bytes]:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows_of(run, stop):
        table.writerow(row)
        if text.tell() > 1 << 18:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _write_parquet(run: StoredRun, file: BinaryIO, stop: Callable[[], bool] = bool) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {name: pa.int64() if name in _WHOLE else pa.float64() for name in COLUMNS}
    schema = pa.schema({**kinds, **dict.fromkeys(_WORDS, pa.string()), "abandoned": pa.bool_()})
    schema = pa.schema([schema.field(name) for name in COLUMNS])
    with parquet.ParquetWriter(file, schema) as writer:
        rows: list[Values] = []
        for row in rows_of(run, stop):
            rows.append(row)
            if len(rows) == _ROWS:
                if stop():
                    return
                writer.write_table(_table(rows, schema))
                rows = []
        writer.write_table(_table(rows, schema))


def _table(rows: list[Values], schema: Any) -> Any:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
