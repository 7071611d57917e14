"""Appending from outside: events of a training elsewhere, exact under retries.

A run that is appended to is marked as such, and only such a run can be: nobody writes into the log of a
training on this machine but the training. Whether one lives is told by its silence.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb import events as ev
from livecb.errors import EventError, LogError, StoreError
from livecb.logs.appending import NotAtEnd, append_at, end_of
from livecb.server.access import access_of
from livecb.server.answers import Appended, Uploaded
from livecb.server.body import bytes_of, saved
from livecb.server.frames import as_event
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.query import MOST, Query, query_of
from livecb.server.quota import Quota, sizes_in
from livecb.server.replies import Problem, json_response
from livecb.store import APPENDED, MAIN, NOTES, RUN_ID, StoredRun

__all__ = ["Appending"]

NDJSON = "application/x-ndjson"
_MOST = 8 << 20
_LARGEST = 1 << 30
_LATEST = 1e11
PARTS = 256
"""How many parts a log has at most: a reader holds each of them open."""
_HASH = re.compile("[0-9a-f]{64}")
_BYTES = "application/octet-stream"
_UPLOADS = ".uploads"
"""Where in the store the first file of a run is, until it is whole."""


class AppendQuery(Query):
    """Where is appended."""

    at: Annotated[
        str,
        Meta(
            pattern="^[0-9]{1,18}$",
            description="the byte where this part of the log ended: the last answer's `cursor`, `0` at first",
            examples=["0"],
        ),
    ]
    part: Annotated[
        str,
        Meta(
            pattern=f"^(?!{NOTES}$)[A-Za-z0-9_-]{{1,64}}$",
            description="which part of the log, for a further rank or process",
        ),
    ] = MAIN


class Appending:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.quota = Quota.from_environment()

    @described(AppendQuery, body=NDJSON, answer=Appended, tag="events", errors=(409, 507))
    async def append(self, request: Request) -> Response:
        """Append events of a training elsewhere, exactly once however often it is tried; makes the run."""
        name, asked = request.path_params["run"], query_of(request, AppendQuery)
        part, at = asked.part, int(asked.at)
        body = await bytes_of(request, NDJSON, _MOST)
        lines = body if body.endswith(b"\n") or not body else body + b"\n"
        await self.hub.work.do(lambda: _check(lines))
        access_of(request.scope).check_write(name, part, lines)
        run = self._run(name, new=at == 0 and bool(lines))
        try:
            end = await self.hub.work.do(lambda: _append(run, part, at, lines))
        except NotAtEnd as error:
            detail = f"{error}; go on from its `cursor`, or read what stands there"
            raise Problem(409, "Not at the end", detail, more={"cursor": str(error.end)}) from error
        except LogError as error:
            raise Problem(507, "The log cannot be written", f"{error}; try again later") from error
        self.hub.changed(run.id)
        return json_response({"run": run.id, "part": part, "cursor": str(end)})

    @described(body=_BYTES, answer=Uploaded, tag="events", errors=(409, 507))
    async def upload(self, request: Request) -> Response:
        """Keep a file of a training elsewhere under its SHA-256, which is checked; makes the run.

        A file that is refused makes none.
        """
        name: str = request.path_params["run"]
        digest: str = request.path_params["digest"]
        if not _HASH.fullmatch(digest):
            detail = f"expected a SHA-256 hash of 64 hexadecimal digits, got {digest!r}"
            raise Problem(400, "Not a hash", detail)
        access_of(request.scope).check_write(name)
        files, kept = self.hub.store.root / name / "files", False
        # A run that is not there yet is made by a file that is whole.
        known = not RUN_ID.fullmatch(name) or files.parent.exists()
        folder = self._run(name, new=True).folder / "files" if known else self.hub.store.root / _UPLOADS
        sizes = None if self.quota.knows(name) else await self.hub.work.do(lambda: sizes_in(files))

        def place() -> Path:
            return self._run(name, new=True).folder / "files" / digest

        share = self.quota.share(name, sizes)
        try:
            fresh = not (files / digest).exists()
            size = await saved(request, _BYTES, folder, place, digest, _LARGEST, self.hub.work.do, share.take)
            kept = fresh
        finally:
            share.end(kept=kept)
        os.utime(self._run(name).folder / APPENDED)
        return json_response({"run": name, "hash": digest, "size": size})

    def _run(self, name: str, new: bool = False) -> StoredRun:
        try:
            known = (self.hub.store.root / name).exists()
            run = self.hub.store.create(name) if new and not known else self.hub.store.run(name)
        except StoreError as error:
            if new:
                raise Problem(400, "Not a run's id", str(error)) from error
            raise
        if not known:
            (run.folder / APPENDED).touch()
        if not run.appended:
            raise Problem(
                409,
                "Not appended to",
                f"run {name} was recorded on this machine: only its training writes its log; take another id",
            )
        return run


def _check(lines: bytes) -> None:
    """Refuse lines of which one is no event: what cannot be read must not get into a log."""
    for number, line in enumerate(lines.split(b"\n")[:-1], 1):
        try:
            if as_event(line) is None:
                raise EventError('expected an event on one line that begins with {"type":"..."')
            _check_place(ev.decode(line))
        except (EventError, RecursionError, OverflowError) as error:
            detail = f"line {number}: {error}; nothing was appended"
            raise Problem(400, "Not an event", detail, more={"line": number}) from error


def _check_place(event: ev.AnyEvent | ev.Unknown) -> None:
    """Refuse a time or a place that no clock and no axis can show."""
    if not 0 <= event.time <= _LATEST:
        raise EventError(f"expected a time in Unix seconds, got {event.time!r}")
    if isinstance(event, ev.Event):
        for name in ("step", "batch", "samples", "tokens"):
            if abs(getattr(event, name) or 0) > MOST:
                raise EventError(f"expected a {name} of at most {MOST}, got {getattr(event, name)!r}")


def _append(run: StoredRun, part: str, at: int, lines: bytes) -> int:
    """Append, and note that it was heard of; a run that has ended is waited for no more."""
    path, marker = run.part_path(part), run.folder / APPENDED
    if lines and not path.exists() and len(run.part_names()) >= PARTS:
        detail = f"the log of run {run.id} has {PARTS} parts and may have no more: append to one of them"
        raise Problem(507, "No room in the run", f"{detail}; nothing was appended")
    end = append_at(path, at, lines) if lines else end_of(path)
    ended = part == MAIN and ev.type_of(lines[lines[:-1].rfind(b"\n") + 1 :]) == "run_ended"
    os.utime(marker, (0, 0) if ended else None)
    return end
