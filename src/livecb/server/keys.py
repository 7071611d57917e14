"""What a request brings to be let in, and what that opens: the owner's token, or a named one.

A token comes in a header, in the query, or in the cookie that the first open left. The owner's opens all;
a named one what it was made for.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from starlette._utils import get_route_path
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from livecb.server.access import Access, Role
from livecb.server.limits import Limits, address_of
from livecb.server.notice import notice
from livecb.server.replies import Problem
from livecb.server.token import cookie_name
from livecb.server.tokens import Tokens
from livecb.store import Store

__all__ = ["Keys"]

_COOKIE_SECONDS = 30 * 24 * 3600
_OPEN = ("/api/health", "/assets/", "/r/assets/", "/client.js", "/client-react.js")

_WRONG_TITLE = "That token is not this store's"
_EXPIRED_TITLE = "That token has expired"
_NO_TOKEN = """Open the address that the training printed, with <code>?token=</code> in it,
or run <code>livecb view</code>, which prints it too.
A link that somebody sent you may have been taken back, or its time may be over: ask them for another.
<form><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" required><button>Open</button></form>
"""

_SAFE = ("GET", "HEAD", "OPTIONS")
_STRONG = 20

OWNER = Access(Role.ADMIN, owner=True)
EVERYBODY = Access(Role.ADMIN)

Headers = Mapping[bytes, str]


class Keys:
    """Tells who asks.

    Args:
        store: Whose named tokens open something.
        token: The owner's; None lets everybody do everything.
        limits: Counts wrong tokens.

    Attributes:
        tokens: The named ones.
    """

    def __init__(self, store: Store, token: str | None, limits: Limits) -> None:
        self.tokens = Tokens(store)
        self._token = None if token is None else token.encode()
        self._limits = limits
        self._cookie = cookie_name(store)

    def opened(self, scope: Scope, headers: Headers) -> Access | Problem | Response:
        """Return what the one who asks may; or the answer that a request gets instead."""
        if self._token is None:
            return EVERYBODY
        path = get_route_path(scope)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given, words, kept = dict(query).get("token", ""), _words(headers), self._kept(scope)
        address = address_of(scope)
        page = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and not path.startswith("/api/")
        if given and (access := self._open(given, address)) is not None:
            if not page or scope["method"] != "GET":
                return access
            has = self._open(kept, address) if kept else None
            keep = has is not None and has.covers(access)
            framed = (headers.get(b"sec-fetch-dest"), headers.get(b"sec-fetch-site")) == (
                "iframe",
                "cross-site",
            )
            return self._on(scope, path or "/", query, None if keep else given, framed)
        for word in words:
            if (access := self._open(word, address)) is not None:
                return access
        if kept and (access := self._open(kept, address)) is not None:
            return access if _may_use_cookie(scope, headers) else _FROM_ELSEWHERE
        if path.startswith(_OPEN):
            return Access(Role.ANYONE)
        brought = [word for word in (given, *words, kept) if word]
        if brought and (problem := self._limits.guessed_wrong(address)) is not None:
            return problem
        expired = any(map(self.tokens.has_expired, brought))
        wrong = bool(given or words)
        if page and "text/html" in headers.get(b"accept", ""):
            title = _EXPIRED_TITLE if expired else _WRONG_TITLE if wrong else "This page needs its token"
            return notice(title, _NO_TOKEN, 401)
        return _not_known(expired, wrong)

    def _open(self, word: str, address: str) -> Access | None:
        """Return what a token opens.

        Where the owner chose a short one, which somebody could guess, an address that guesses is not
        listened to for a while. One of 192 random bits is always compared: nobody keeps its owner out.
        """
        assert self._token is not None
        listened_to = len(self._token) >= _STRONG or self._limits.may_guess(address)
        if listened_to and hmac.compare_digest(word.encode(), self._token):
            return OWNER
        return self.tokens.open(word)

    def _kept(self, scope: Scope) -> str:
        """Return the token in the cookie, which may be a stale one.

        Beside it stand those of all other servers on this host, of which the standard library gives up on one
        that holds JSON, and on all behind it; browsers do not.
        """
        return HTTPConnection(scope).cookies.get(self._cookie, "")

    def _on(
        self, scope: Scope, path: str, query: list[tuple[str, str]], token: str | None, framed: bool
    ) -> Response:
        """Go on to the same address without the token, and set the cookie if there is a token for it.

        In a frame of another site, as in VS Code, a browser keeps only a cookie that says `SameSite=None`;
        it is `Partitioned`, so that it goes along in frames of that site alone.

        The cookie is always set at the root: without a `Path` a browser takes the folder it sees, which is
        right also where a proxy puts a prefix before it that we never hear of. For the same reason
        addresses are relative.
        """
        said = dict(query)
        rest = [(name, value) for name, value in query if name not in ("token", "next")]
        if path != "/":
            deeper = path.lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
            up = "../" * (path.count("/") - 1) or "./"
            to = up + "?" + urlencode([("token", said["token"]), ("next", deeper)])
            return Response(status_code=303, headers={"location": to, "cache-control": "no-store"})
        to = _safe(said.get("next", "")) + (f"?{urlencode(rest)}" if rest else "")
        response = Response(status_code=303, headers={"location": to, "cache-control": "no-store"})
        if token is not None:
            response.set_cookie(
                self._cookie,
                token,
                max_age=_COOKIE_SECONDS,
                path=None,
                httponly=True,
                samesite="none" if framed else "lax",
                secure=framed or scope.get("scheme") == "https",
            )
            if framed:  # Python's cookies know the word from 3.14 on
                response.headers["set-cookie"] += "; Partitioned"
        return response


def _may_use_cookie(scope: Scope, headers: Headers) -> bool:
    """Whether a request that a browser's cookie opens is one that a page of this server makes.

    To read, `SameSite` and the checks of the origin do. A change must say where it comes from: every
    browser does.
    """
    if scope["type"] == "websocket" or scope["method"] in _SAFE:
        return True
    return b"origin" in headers or headers.get(b"sec-fetch-site") == "same-origin"


_FROM_ELSEWHERE = Problem(
    403,
    "Not from here",
    "a change that a browser's cookie allows must come from a page of this server, which says so by "
    "`Origin`; programs send `Authorization: Bearer TOKEN`",
)


def _words(headers: Headers) -> list[str]:
    """Return the tokens in headers that somebody sent on purpose."""
    words = [headers.get(b"x-api-key", "")]
    scheme, _, word = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "token"):
        words.append(word.strip())
    return [word for word in words if word]


def _not_known(expired: bool, wrong: bool) -> Problem:
    if expired:
        title, why = "An expired token", "that token has expired: ask for another; "
    elif wrong:
        title, why = "A wrong token", "that token is not this store's, or was revoked: "
    else:
        title, why = "No token", ""
    return Problem(
        401,
        title,
        f"{why}open the address that the training printed, or run `livecb view`; programs send "
        "`Authorization: Bearer TOKEN` or `X-API-Key: TOKEN`",
        headers={"www-authenticate": "Bearer"},
    )


def _safe(onward: str) -> str:
    """Return a relative address below the root, whatever was asked."""
    path, mark, query = onward.partition("?")
    if not path or path.startswith(("/", "\\")) or ".." in path or not path.isprintable():
        return "./"
    return "./" + quote(path, safe="/%") + (f"?{quote(query, safe='=&%+')}" if mark else "")
