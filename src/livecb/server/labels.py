"""What readers may do to a run: name it, tag it, put it away, delete it and bring it back."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb.server.answers import Emptied, Labelled, RunDeleted, RunNamed, TrashPage
from livecb.server.audit import tell, told
from livecb.server.body import body_of
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.replies import json_response
from livecb.server.tokens import Tokens
from livecb.store import StoredRun
from livecb.trash import DAYS, Trash, Trashed

__all__ = ["LabelChange", "Labelling"]

_Name = Annotated[str, Meta(max_length=500)]
_Tags = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)]


class LabelChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed; what is left out stays. A name or tags of null are the run's own again."""

    name: _Name | msgspec.UnsetType | None = msgspec.UNSET
    tags: _Tags | msgspec.UnsetType | None = msgspec.UNSET
    archived: bool | msgspec.UnsetType = msgspec.UNSET


class Labelling:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.tokens = Tokens(hub.store)

    @described(body=LabelChange, answer=Labelled)
    async def change(self, request: Request) -> Response:
        """Give a run another name or other tags, or put it away from the list."""
        run = self.hub.store.run(request.path_params["run"])
        change = await body_of(request, LabelChange)
        given: dict[str, Any] = {
            name: value
            for name in change.__struct_fields__
            if (value := getattr(change, name)) is not msgspec.UNSET
        }
        if given.get("tags"):
            given["tags"] = list(dict.fromkeys(tag.strip() for tag in given["tags"] if tag.strip()))
        labels = msgspec.structs.replace(run.labels, **given)
        run.keep_labels(labels)
        self.hub.changed(run.id)
        tell(request.scope, **given)
        return json_response(
            {"run": run.id, "name": labels.name, "tags": labels.tags, "archived": labels.archived}
        )

    @described(answer=RunDeleted, errors=(409,))
    async def delete(self, request: Request) -> Response:
        """Delete a run that is not being written; it can be brought back."""
        run = self.hub.store.run(request.path_params["run"])
        found = await self.hub.work.do(lambda: self._put(request, run))
        self.hub.changed(run.id)
        return json_response({"run": found.run, "deleted": found.deleted, "days": DAYS})

    @described(answer=TrashPage, tag="trash")
    async def deleted(self, request: Request) -> Response:
        """The deleted runs that can be brought back."""
        found = await self.hub.work.do(self._trash(request).list)
        return json_response({"runs": [entry._asdict() for entry in found], "days": DAYS})

    @described(answer=RunNamed, tag="trash", errors=(409,))
    async def restore(self, request: Request) -> Response:
        """Bring a deleted run back."""
        run = await self.hub.work.do(lambda: self._trash(request).restore(request.path_params["run"]))
        self.hub.changed(run.id)
        return json_response({"run": run.id})

    @described(answer=RunNamed, tag="trash")
    async def remove(self, request: Request) -> Response:
        """Remove a deleted run for good; the tokens and links that were made for it open nothing any more."""
        run = request.path_params["run"]
        await self.hub.work.do(lambda: self._trash(request).remove(run))
        return json_response({"run": run})

    @described(answer=Emptied, tag="trash")
    async def empty(self, request: Request) -> Response:
        """Remove all deleted runs for good; the tokens and links made for them open nothing any more."""
        return json_response({"removed": await self.hub.work.do(self._trash(request).empty)})

    def _trash(self, request: Request) -> Trash:
        """Return the trash; what opens a run goes with it."""

        def goes(entry: Trashed) -> None:
            self._revoke(request, entry.run, entry.deleted)

        return Trash(self.hub.store, goes)

    def _put(self, request: Request, run: StoredRun) -> Trashed:
        trash = self._trash(request)
        found = trash.put(run)
        if found.run != run.id:  # it comes back under that name alone, never under its own
            self._revoke(request, run.id, found.deleted, trash.deleted(run.id) or 0.0)
        return found

    def _revoke(self, request: Request, run: str, deleted: float, since: float = 0.0) -> None:
        if names := self.tokens.revoke_of(run, deleted, since):
            tell(request.scope, revoked=[*told(request.scope).get("revoked", ()), *names])
