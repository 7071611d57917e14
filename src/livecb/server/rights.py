"""Rights over the wire: what one may, the named tokens, the links that show one run, and the audit."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb.errors import StoreError
from livecb.server.access import Role, access_of
from livecb.server.audit import Audit, tell
from livecb.server.body import body_of
from livecb.server.grants import (
    AccessGiven,
    AuditPage,
    Revoked,
    RoleWord,
    ShareMade,
    SharePage,
    TokenMade,
    TokenPage,
)
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.query import Query, query_of
from livecb.server.replies import Problem, json_response
from livecb.server.tokens import LEAST_RATE, RATE, STREAMS, Made, Token, Tokens

__all__ = ["SHARE_SECONDS", "NewShare", "NewToken", "Rights", "made_with", "shared"]

SHARE_SECONDS = 7 * 86400.0
"""How long a link shows a run, where nobody says otherwise."""

_MOST = 10_000

_Seconds = Annotated[float, Meta(gt=0, lt=1e10)]
_Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["ci"])]
_Part = Annotated[str, Meta(min_length=1, max_length=500)]


class AuditQuery(Query):
    """How much of the audit."""

    limit: Annotated[int, Meta(ge=1, le=_MOST, description="at most so many entries")] = 100


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token that is to be made, for the whole store if it names neither a project nor a run.

    Attributes:
        role: `view`, `control`, `write` or `admin`.
        seconds: How long it opens anything; for ever if null.
        streams: How many streams may be open with it at once.
        rate: How many requests a second it may make.
    """

    name: _Name
    role: RoleWord
    project: _Part | None = None
    run: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] | None = None
    seconds: _Seconds | None = None
    streams: Annotated[int, Meta(ge=1, le=1_000_000)] = STREAMS
    rate: Annotated[float, Meta(ge=LEAST_RATE, le=1e6)] = RATE


class NewShare(msgspec.Struct, forbid_unknown_fields=True):
    """A link that is to be made: how many seconds it shows the run; null for as long as the run is there."""

    seconds: _Seconds | None = SHARE_SECONDS


class Rights:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.tokens = Tokens(hub.store)
        self.audit = Audit(hub.store)

    @described(answer=AccessGiven, tag="rights")
    async def access(self, request: Request) -> Response:
        """What whoever asks may: a role, and the part of the store that it is for."""
        return json_response(access_of(request.scope).to_json())

    @described(answer=TokenPage, tag="rights")
    async def list(self, request: Request) -> Response:
        """The named tokens of the store; never their secrets."""
        return json_response({"tokens": [self._row(token) for token in self.tokens.all()]})

    @described(body=NewToken, answer=TokenMade, status=201, tag="rights", errors=(409,))
    async def create(self, request: Request) -> Response:
        """Make a named token; its secret is in this answer, and never again in another."""
        new = await body_of(request, NewToken)
        try:
            role = Role.of(new.role)
            if self.tokens.get(new.name) is not None:
                raise Problem(
                    409, "There is one of this name", f"there is a token {new.name!r}: revoke it before"
                )
            made = self.tokens.make(
                new.name,
                role,
                project=new.project,
                run=new.run,
                seconds=new.seconds,
                by=access_of(request.scope).known_as,
                streams=new.streams,
                rate=new.rate,
            )
        except StoreError as error:
            raise Problem(400, "No token made", str(error)) from error
        tell(request.scope, token=new.name, role=new.role, project=new.project, run=new.run)
        return json_response({**self._row(made.token), "token": made.secret}, 201)

    @described(answer=Revoked, tag="rights")
    async def revoke(self, request: Request) -> Response:
        """Let a token open nothing any more; streams that it opened end within two seconds.

        What was made with it stays, and is named.
        """
        return self._revoked(request.path_params["name"], None)

    @described(answer=SharePage, tag="rights")
    async def shares(self, request: Request) -> Response:
        """The links that show this run."""
        run = self.hub.store.run(request.path_params["run"]).id
        found = [token for token in self.tokens.all() if token.share and token.run == run]
        return json_response({"links": [self._row(token) for token in found]})

    @described(body=NewShare, answer=ShareMade, status=201, tag="rights")
    async def share(self, request: Request) -> Response:
        """Make a link that shows this run, and nothing else, to read only."""
        run = self.hub.store.run(request.path_params["run"])
        new = await body_of(request, NewShare)
        made = shared(self.tokens, run.id, new.seconds, access_of(request.scope).known_as)
        tell(request.scope, token=made.token.name)
        path = f"r/{quote(run.id)}?token={made.secret}"
        return json_response({**self._row(made.token), "token": made.secret, "path": path}, 201)

    @described(answer=Revoked, tag="rights")
    async def unshare(self, request: Request) -> Response:
        """Let a link show the run no more."""
        return self._revoked(request.path_params["name"], request.path_params["run"])

    @described(AuditQuery, answer=AuditPage, tag="rights")
    async def changes(self, request: Request) -> Response:
        """Who changed what, when, and from where; the newest first."""
        limit = query_of(request, AuditQuery).limit
        entries = await self.hub.work.do(lambda: self.audit.last(limit))
        return json_response(msgspec.json.encode({"audit": entries}))

    def _revoked(self, name: str, run: str | None) -> Response:
        token = self.tokens.get(name)
        if token is None or (run is not None and not (token.share and token.run == run)):
            where = "api/tokens" if run is None else f"api/runs/{run}/share"
            raise Problem(404, "No such token", f"no token {name!r}; GET {where} lists those there are")
        self.tokens.revoke(name)
        return json_response({"name": name, "made": made_with(self.tokens, name)})

    def _row(self, token: Token) -> dict[str, object]:
        row = {name: getattr(token, name) for name in token.__struct_fields__ if name != "hash"}
        return {**row, "last_used": self.tokens.last_used(token), "expired": token.expired}


def made_with(tokens: Tokens, name: str) -> list[str]:
    """Return the names of the tokens and links that were made with a token, and still open something."""
    return [token.name for token in tokens.all() if token.by == name and not token.expired]


def shared(tokens: Tokens, run: str, seconds: float | None, by: str | None) -> Made:
    """Make the token of a link that shows a run.

    Raises:
        StoreError: It cannot be written.
    """
    return tokens.make(
        f"share-{secrets.token_hex(4)}", Role.VIEW, run=run, seconds=seconds, by=by, share=True
    )
