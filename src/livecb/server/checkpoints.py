"""Checkpoints and artifacts: which there are, and their bytes.

A request names a checkpoint by the number of its event, never by a path; the path is the one that the run
itself recorded. So that nobody makes the server read what he pleases by recording it, paths count only in
runs that a training on this machine wrote, not in those that were appended over HTTP; and of a folder only
what lies in it, no link out of it.
"""

from __future__ import annotations

import math
import os
import socket
import stat
import tarfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from livecb import events as ev
from livecb import names
from livecb.errors import StoreError
from livecb.server.answers import CheckpointPage
from livecb.server.files import FileAnswer, attached
from livecb.server.frames import dump
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.query import Query, query_of
from livecb.server.replies import Problem, json_response
from livecb.server.search import lines_of
from livecb.store import StoredRun
from livecb.strict import json_ready

__all__ = ["Checkpoints"]

_BYTES = ("application/octet-stream", "application/x-tar")
_PIECE = 1 << 20
_MOST = 10_000

Kept = ev.Checkpoint | ev.Artifact


class ModelQuery(Query):
    """Which of those that a run saved."""

    which: Annotated[
        Literal["best", "final"],
        Meta(description="of the best value of the metric it was saved for; or the last one saved"),
    ] = "best"


class Checkpoints:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(answer=CheckpointPage, tag="media")
    async def recorded(self, request: Request) -> Response:
        """The checkpoints and artifacts that a run recorded, and which of them can be had."""
        run = self.hub.store.run(request.path_params["run"])
        page = await self.hub.reading.do(lambda: _page(_Saved(run)))
        return json_response(dump(page))

    @described(ModelQuery, media=_BYTES, tag="media", ranges=True)
    async def model(self, request: Request) -> Response:
        """The bytes of the best, or of the last, checkpoint that can be had; a folder comes as a tar.

        Where no checkpoint says a value of a metric whose name tells which way is better, the best is
        the last.
        """
        run = self.hub.store.run(request.path_params["run"])
        which = query_of(request, ModelQuery).which
        return await self.hub.reading.do(lambda: _sent(*_model(_Saved(run), which)))

    @described(media=_BYTES, tag="media", ranges=True)
    async def download(self, request: Request) -> Response:
        """The bytes of a checkpoint or artifact; a folder comes as a tar."""
        run = self.hub.store.run(request.path_params["run"])
        word = request.path_params["number"]
        return await self.hub.reading.do(lambda: _sent(*_numbered(_Saved(run), word)))


class _Saved:
    """What a run saved, and where it is: for a thread, since a disk of another machine may be long to answer.

    The log is read once for the checkpoints, and once at most for the host.
    """

    def __init__(self, run: StoredRun) -> None:
        self.run = run

    @cached_property
    def events(self) -> list[Kept]:
        types = frozenset({"checkpoint", "artifact"})
        lines, _, _ = lines_of(self.run, types, lambda event: True, "0", 1, last=_MOST)
        return [event for event in ev.decode_lines(lines) if isinstance(event, Kept)]

    @cached_property
    def host(self) -> str:
        lines, _, _ = lines_of(self.run, frozenset({"run_started"}), lambda event: True, "0", 1)
        return next((event.host for event in ev.decode_lines(lines) if isinstance(event, ev.RunStarted)), "")

    def place(self, event: Kept) -> tuple[Path | None, str]:
        """Return where its bytes are, or why they cannot be had."""
        if isinstance(event, ev.Artifact) and event.file is not None:
            try:
                return self.run.file_path(event.file.hash), ""
            except StoreError:
                return None, "its copy is gone"
        if event.path is None:
            return None, "the run recorded no path"
        if self.run.appended:
            return None, "the run was recorded elsewhere; its path is none of this machine"
        path = Path(event.path)
        if not path.is_absolute():
            return None, f"the run recorded a relative path, {event.path!r}, and this is another folder"
        if self.host and self.host != socket.gethostname():
            return None, f"it lies on {self.host}, where the run was recorded"
        try:
            status, log = path.stat(), self.run.part_path().stat()
        except OSError as error:
            return None, f"{event.path}: {error.strerror}"
        kind = status.st_mode
        if status.st_uid != log.st_uid and not kind & stat.S_IROTH:
            # In a store of several users: what one may not read, another's server does not read for him.
            return None, f"{event.path} is another user's than the run"
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)) or not os.access(path, os.R_OK):
            return None, f"{event.path} cannot be read"
        return path, ""


def _page(saved: _Saved) -> dict[str, Any]:
    rows = [_row(event, *saved.place(event)) for event in saved.events]
    there = [event for event, row in zip(saved.events, rows, strict=True) if row["available"]]
    chosen = {which: _number(it) if (it := _chosen(there, which)) else None for which in ("final", "best")}
    return {"checkpoints": rows, **chosen}


def _row(event: Kept, path: Path | None, why: str) -> dict[str, Any]:
    said: dict[str, Any] = json_ready(event)
    return {"number": _number(event), **said, "available": path is not None, "reason": why or None}


def _model(saved: _Saved, which: str) -> tuple[Kept, Path]:
    there = [(event, path) for event in saved.events if (path := saved.place(event)[0]) is not None]
    if (chosen := _chosen([event for event, _ in there], which)) is None:
        run = saved.run.id
        detail = f"api/runs/{run}/checkpoints says which there are, and why one cannot be had"
        raise Problem(404, "No such checkpoint", f"run {run} has no model that can be had; {detail}")
    return next((event, path) for event, path in there if event is chosen)


def _numbered(saved: _Saved, word: str) -> tuple[Kept, Path]:
    found = [event for event in saved.events if word == _number(event)]
    run = saved.run.id
    if not found:
        there = f"api/runs/{run}/checkpoints lists those there are"
        raise Problem(404, "No such checkpoint", f"no checkpoint has the number {word!r}; {there}")
    path, why = saved.place(found[-1])
    if path is None:
        raise Problem(404, "Not to be had", f"checkpoint {word} of run {run}: {why}")
    return found[-1], path


def _sent(event: Kept, path: Path) -> Response:
    headers = {"cache-control": "no-store", "x-livecb-checkpoint": _number(event)}
    if path.is_dir():
        headers |= attached(f"{path.name}.tar")
        return StreamingResponse(_tar(path), media_type=_BYTES[1], headers=headers)
    headers |= attached(path.name if isinstance(event, ev.Checkpoint) else event.name)
    return FileAnswer(path, headers=headers, media_type=_BYTES[0])


def _chosen(found: Sequence[Kept], which: str) -> Kept | None:
    """Return the best or the last of what was saved; checkpoints go before artifacts."""
    saved = [event for event in found if isinstance(event, ev.Checkpoint)]
    rated = [
        (float(event.value), names.goal(event.metric or ""), event)
        for event in saved
        if event.value is not None and math.isfinite(float(event.value)) and names.goal(event.metric or "")
    ]
    if which == "best" and rated:
        metric = rated[-1][2].metric  # a run that was told to watch another one goes by that
        mine = [(value, event) for value, _, event in rated if event.metric == metric]
        sign = 1 if rated[-1][1] == "max" else -1
        return max(mine, key=lambda pair: (sign * pair[0], pair[1].time))[1]
    return saved[-1] if saved else found[-1] if found else None


def _number(event: Kept) -> str:
    """Return what names it in its run: its number, and its writer's rank if that is not the first."""
    return f"{event.seq}.{event.rank}" if event.rank else str(event.seq)


def _tar(folder: Path) -> Iterator[bytes]:
    """Yield a folder's files as a tar, piece by piece; links are left out, for they may lead anywhere."""
    for place, _, files in os.walk(folder):
        for name in sorted(files):
            path = Path(place) / name
            try:
                with open(path, "rb", opener=_no_link) as file:
                    status = os.fstat(file.fileno())
                    if stat.S_ISREG(status.st_mode):
                        yield from _member(file, str(Path(folder.name) / path.relative_to(folder)), status)
            except OSError:
                continue  # it went while we looked, or is a link
    yield b"\0" * 1024


def _member(file: Any, name: str, status: os.stat_result) -> Iterator[bytes]:
    about = tarfile.TarInfo(name)
    about.size, about.mtime = status.st_size, int(status.st_mtime)
    yield about.tobuf(tarfile.PAX_FORMAT)
    left = status.st_size
    while left:
        piece = file.read(min(_PIECE, left))
        piece = piece or b"\0" * min(_PIECE, left)  # it shrank: the head has promised so much
        left -= len(piece)
        yield piece
    yield b"\0" * (-status.st_size % 512)


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
