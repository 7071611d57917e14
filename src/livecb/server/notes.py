"""Notes: what readers write about a run, or about one step of it.

They are events of a log of their own beside the trainer's (`notes.jsonl`), which is a part of the run's log
to every reader: streams, State and exports bring them along. They bear no number (`seq` is -1), since their
writers are many; the trainer never reads them. Nothing in a log is ever changed: a note that is edited or
deleted is said anew, with the `id` it has had.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb import events as ev
from livecb.logs.appending import locked
from livecb.logs.base import START
from livecb.logs.file import FileLog
from livecb.server.access import access_of
from livecb.server.answers import NotePage
from livecb.server.body import body_of
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.query import MOST
from livecb.server.replies import Problem, json_response
from livecb.server.search import GoingOn, Wanted, found, json_of, lines_of
from livecb.server.stream import asked_cursor
from livecb.store import NOTES, StoredRun

__all__ = ["NewNote", "NoteChange", "Notes", "add_note"]

_Text = Annotated[
    str, Meta(pattern=r"\S", min_length=1, max_length=10_000, examples=["the rate is too high"])
]
_MOST_NOTES = 10_000


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """What is said, by whom, and about which step or epoch; about the run if none is named."""

    text: _Text
    author: Annotated[str, Meta(max_length=200)] | None = None
    step: Annotated[int, Meta(ge=0, le=MOST)] | None = None
    epoch: Annotated[float, Meta(ge=0, le=1e9)] | None = None


class NoteChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a note says now."""

    text: _Text


class Notes:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._turn = asyncio.Lock()

    @described(GoingOn, answer=NotePage, tag="notes")
    async def list(self, request: Request) -> Response:
        """The notes on a run, its trainer's and its readers'.

        From the beginning: as they stand now. After a later cursor: also what was edited and deleted
        since, under the `id` it has had.
        """
        lines, cursor, reset = await found(self.hub, request, frozenset({"note"}), lambda event: True)
        if asked_cursor(request) == START:
            lines = _standing(lines)
        return json_response(json_of("notes", lines, cursor, reset))

    @described(body=NewNote, answer=ev.Note, status=201, tag="notes")
    async def add(self, request: Request) -> Response:
        """Write a note on a run, or on one step of it."""
        run = self.hub.store.run(request.path_params["run"])
        new = await body_of(request, NewNote)
        signed = access_of(request.scope).signed(new.author) or None
        line = await self.hub.work.do(lambda: add_note(run, msgspec.structs.replace(new, author=signed)))
        self.hub.changed(run.id)
        return json_response(line, 201)

    @described(body=NoteChange, answer=ev.Note, tag="notes")
    async def edit(self, request: Request) -> Response:
        """Let a reader's note say something else; its time and its place stay."""
        run = self.hub.store.run(request.path_params["run"])
        change = await body_of(request, NoteChange)
        return json_response(await self._change(run, request, text=change.text))

    @described(answer=ev.Note, tag="notes")
    async def delete(self, request: Request) -> Response:
        """Take a reader's note back."""
        run = self.hub.store.run(request.path_params["run"])
        return json_response(await self._change(run, request, text="", deleted=True))

    async def _change(self, run: StoredRun, request: Request, **said: Any) -> bytes:
        """Say a note anew; what was taken back, here or through another server, stays so."""
        word, path = request.path_params["note"], run.part_path(NOTES)

        def change() -> bytes:
            _known(run, word)  # before a log is made that there is no need of
            with locked(path):
                note = msgspec.structs.replace(_known(run, word), edited=time.time(), **said)
                return _append(path, note)

        async with self._turn:
            line = await self.hub.work.do(change)
        self.hub.changed(run.id)
        return line


def add_note(run: StoredRun, new: NewNote) -> bytes:
    """Write a note on a run; return its line."""
    note = ev.Note(
        seq=-1,
        time=time.time(),
        step=new.step,
        epoch=new.epoch,
        text=new.text,
        author=new.author,
        id=secrets.token_hex(6),
    )
    return _append(run.part_path(NOTES), note)


def _known(run: StoredRun, word: str) -> ev.Note:
    lines, _, _ = lines_of(run, frozenset({"note"}), _with_id(word), START, 1, last=_MOST_NOTES)
    note = ev.decode(lines[-1]) if lines else None
    if not isinstance(note, ev.Note) or note.deleted:
        there = f"api/runs/{run.id}/notes lists those there are; the trainer's have no id and stay"
        raise Problem(404, "No such note", f"no note {word!r} on run {run.id}; {there}")
    return note


def _append(path: Path, note: ev.Note) -> bytes:
    line = ev.encode(note)
    log = FileLog(path)
    try:
        log.append(line + b"\n")
    finally:
        log.close()
    return line


def _with_id(word: str) -> Wanted:
    return lambda event: isinstance(event, ev.Note) and event.id == word


def _standing(lines: list[bytes]) -> list[bytes]:
    """Return notes as they stand: the last that was said under each id, unless it was deleted."""
    notes: dict[object, tuple[bytes, bool]] = {}
    for at, line in enumerate(lines):
        note = ev.decode(line)
        assert isinstance(note, ev.Note)
        notes[note.id or at] = line, note.deleted
    return [line for line, deleted in notes.values() if not deleted]
