"""The shapes of what the API says of rights: access, tokens, links, and the audit."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "AccessGiven",
    "AuditPage",
    "Entry",
    "Revoked",
    "RoleWord",
    "ShareMade",
    "SharePage",
    "TokenMade",
    "TokenPage",
    "TokenRow",
]

RoleWord = Literal["view", "control", "write", "admin"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, or one that was refused.

    Attributes:
        time: When, Unix seconds.
        who: The token's name, `owner`, or `anyone` where no token is asked for; in a terminal, the user.
        address: From where: a network address, or `terminal`.
        what: The method and the address that were asked, or the command line's verb.
        run: The run that it is about.
        status: The answer's HTTP status; 200 in a terminal.
        said: What was changed.
    """

    time: float
    who: str
    address: str
    what: str
    run: str | None = None
    status: int = 200
    said: dict[str, Any] = {}


class AccessGiven(msgspec.Struct):
    """What whoever asks may; of the whole store, where neither `project` nor `run` is named.

    Attributes:
        who: The token's name, `owner`, or `anyone` where no token is asked for: as the audit has it.
    """

    role: RoleWord
    name: str | None
    who: str
    project: str | None
    run: str | None
    expires: float | None


class TokenRow(msgspec.Struct, kw_only=True):
    """A named token, without its secret; `share` says that it stands in a link."""

    name: str
    id: str
    role: RoleWord
    project: str | None
    run: str | None
    created: float
    expires: float | None
    expired: bool
    by: str | None
    share: bool
    streams: int
    rate: float
    last_used: float | None


class TokenMade(TokenRow):
    """A named token that was made now; `token` is its secret, which is shown this once."""

    token: str


class ShareMade(TokenMade):
    """A link that was made now: `path` is its address, relative to where the app is mounted."""

    path: str


class TokenPage(msgspec.Struct):
    """The named tokens."""

    tokens: list[TokenRow]


class SharePage(msgspec.Struct):
    """The links that show a run."""

    links: list[TokenRow]


class Revoked(msgspec.Struct):
    """What opens nothing any more; `made` are the tokens and links made with it, which stay."""

    name: str
    made: list[str]


class AuditPage(msgspec.Struct):
    """Changes, the newest first."""

    audit: list[Entry]
