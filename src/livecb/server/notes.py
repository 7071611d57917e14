"""Notes: what readers write about a run, or about one step of it.

They are events of a log of their own beside the trainer's (`notes.jsonl`), which is a part of the run's log
to every reader: streams, State and exports bring them along. They bear no number (`seq` is -1), since their
writers are many; the trainer never reads them.
"""

from __future__ import annotations

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livecb import events as ev
from livecb.logs.file import FileLog
from livecb.server.body import body_of
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.replies import Problem, json_response
from livecb.server.search import GOING_ON, answer
from livecb.store import NOTES

__all__ = ["NewNote", "Notes"]

_TEXT = 10_000
_AUTHOR = 200


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """What is said, by whom, and about which step or epoch; about the run if none is named."""

    text: str
    author: str | None = None
    step: int | None = None
    epoch: float | None = None


class Notes:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(GOING_ON)
    async def list(self, request: Request) -> Response:
        """The notes on a run, its trainer's and its readers'."""
        return json_response(
            await answer(self.hub, request, "notes", frozenset({"note"}), lambda event: True)
        )

    @described(body=NewNote, status=201)
    async def add(self, request: Request) -> Response:
        """Write a note on a run, or on one step of it."""
        run = self.hub.store.run(request.path_params["run"])
        new = await body_of(request, NewNote)
        if not new.text.strip() or len(new.text) > _TEXT or len(new.author or "") > _AUTHOR:
            raise Problem(
                400,
                "No note",
                f"expected a text of 1 to {_TEXT} letters and an author of at most {_AUTHOR}, "
                f"got {len(new.text.strip())} and {len(new.author or '')}",
            )
        line = ev.encode(
            ev.Note(
                seq=-1,
                time=time.time(),
                step=new.step,
                epoch=new.epoch,
                text=new.text,
                author=new.author or None,
            )
        )
        log = FileLog(run.part_path(NOTES))
        try:
            await self.hub.work.do(lambda: log.append(line + b"\n"))
        finally:
            log.close()
        self.hub.changed(run.id)
        return json_response(line, 201)
