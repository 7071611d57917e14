"""Rights: what one may, named tokens, links that show one run, and the audit."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urljoin

import msgspec

from livecb.client.calls import Call, call_of
from livecb.events import JsonObject
from livecb.logs.wire import Ask

__all__ = [
    "WEEK",
    "Access",
    "AsyncTokens",
    "Change",
    "Link",
    "Token",
    "Tokens",
    "access",
    "audit",
    "share",
    "shares",
    "unshare",
]

T = TypeVar("T")

WEEK = 7 * 86400.0
"""How many seconds a link shows a run, where nobody says otherwise."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever asks may.

    Attributes:
        role: `view`, `control`, `write` or `admin`, each with all before it.
        name: The token's name; None for the owner's own.
        who: By which word others are told: the name, `owner`, or `anyone` where no token is asked for.
        project: The part of the store that it is for, if not the whole; or else the one `run`.
        expires: When it ends, Unix seconds; None: never.
    """

    role: str
    name: str | None = None
    who: str = ""
    project: str | None = None
    run: str | None = None
    expires: float | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A named token.

    Attributes:
        id: Its public part.
        created: When it was made, Unix seconds; `expires` and `last_used` are times alike.
        by: Who made it.
        share: Whether it stands in a link.
        streams: How many streams may be open with it at once.
        rate: How many requests a second it may make.
        token: Its secret, right after it was made; None ever after.
    """

    name: str
    id: str
    role: str
    project: str | None = None
    run: str | None = None
    created: float
    expires: float | None = None
    expired: bool = False
    by: str | None = None
    share: bool = False
    streams: int
    rate: float
    last_used: float | None = None
    token: str | None = None


class Link(Token, frozen=True, kw_only=True):
    """A link that shows one run, to read only; `url` is what to give away, right after it was made."""

    url: str | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody changed, or was refused to.

    Attributes:
        time: When, Unix seconds.
        who: The token's name, or `owner`; `anyone` where no token is asked for.
        what: The method and the address.
        status: The answer's HTTP status.
        said: What was changed.
    """

    time: float
    who: str
    address: str
    what: str
    run: str | None = None
    status: int = 200
    said: JsonObject = {}


class _Do(Protocol):
    def __call__(self, call: Call[T], /) -> T: ...


class _AsyncDo(Protocol):
    def __call__(self, call: Call[T], /) -> Awaitable[T]: ...


class Tokens:
    """The named tokens of a server: `client.tokens`. All of it needs the role `admin`."""

    def __init__(self, do: _Do) -> None:
        self._do = do

    def list(self) -> _Tokens:
        """Return all tokens, without their secrets."""
        return self._do(_listed())

    def create(
        self,
        name: str,
        role: str = "view",
        *,
        project: str | None = None,
        run: str | None = None,
        seconds: float | None = None,
        streams: int | None = None,
        rate: float | None = None,
    ) -> Token:
        """Make one; its `token` is told this once.

        Args:
            name: What it is called.
            role: `view`, `control`, `write` or `admin`.
            project: Only for what belongs to this project.
            run: Only for this run.
            seconds: How long it opens anything; None: for ever.
            streams: How many streams may be open with it at once.
            rate: How many requests a second it may make.

        Raises:
            ApiError: There is one of this name (409), or whoever asks may not (403).
        """
        return self._do(_created(name, role, project, run, seconds, streams, rate))

    def revoke(self, name: str) -> None:
        """Let one open nothing any more; what it has open ends."""
        self._do(_revoked(name))


class AsyncTokens:
    """`Tokens`, for asyncio."""

    def __init__(self, do: _AsyncDo) -> None:
        self._do = do

    async def list(self) -> _Tokens:
        """As `Tokens.list`."""
        return await self._do(_listed())

    async def create(
        self,
        name: str,
        role: str = "view",
        *,
        project: str | None = None,
        run: str | None = None,
        seconds: float | None = None,
        streams: int | None = None,
        rate: float | None = None,
    ) -> Token:
        """As `Tokens.create`."""
        return await self._do(_created(name, role, project, run, seconds, streams, rate))

    async def revoke(self, name: str) -> None:
        """As `Tokens.revoke`."""
        await self._do(_revoked(name))


# The classes above have a method of the same name.
_Tokens = list[Token]


def access() -> Call[Access]:
    """What one may."""
    return call_of(Ask("api/access"), lambda said: msgspec.convert(said, Access))


def audit(limit: int) -> Call[list[Change]]:
    """What was changed."""
    ask = Ask("api/audit", {"limit": limit})
    return call_of(ask, lambda said: msgspec.convert(said["audit"], list[Change]))


def share(run: str, seconds: float | None, base: str) -> Call[Link]:
    """A link more."""

    def take(said: JsonObject) -> Link:
        return msgspec.convert({**said, "url": urljoin(base, said["path"])}, Link)

    return call_of(replace(Ask.of(run, "share"), method="POST", body={"seconds": seconds}), take)


def shares(run: str) -> Call[list[Link]]:
    """The links that show a run."""
    return call_of(Ask.of(run, "share"), lambda said: msgspec.convert(said["links"], list[Link]))


def unshare(run: str, name: str) -> Call[None]:
    """A link less."""
    ask = replace(Ask.of(run, f"share/{quote(name, safe='')}"), method="DELETE")
    return call_of(ask, lambda said: None)


def _listed() -> Call[list[Token]]:
    return call_of(Ask("api/tokens"), lambda said: msgspec.convert(said["tokens"], list[Token]))


def _created(
    name: str,
    role: str,
    project: str | None,
    run: str | None,
    seconds: float | None,
    streams: int | None,
    rate: float | None,
) -> Call[Token]:
    said: dict[str, Any] = {"name": name, "role": role, "project": project, "run": run, "seconds": seconds}
    bounds = {key: value for key, value in (("streams", streams), ("rate", rate)) if value is not None}
    ask = Ask("api/tokens", method="POST", body={**said, **bounds})
    return call_of(ask, lambda said: msgspec.convert(said, Token))


def _revoked(name: str) -> Call[None]:
    return call_of(Ask(f"api/tokens/{quote(name, safe='')}", method="DELETE"), lambda said: None)
