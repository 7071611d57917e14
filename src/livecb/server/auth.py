"""Who may ask: the token, checked before anything else that answers sees a request.

It guards against another user of the machine, or of the network. A page keeps it in a cookie, which goes
along from this site only (`SameSite=Lax`).
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode

from starlette._utils import get_route_path
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from livecb.server.notice import notice
from livecb.server.replies import Problem, refuse

__all__ = ["Guard"]

_COOKIE_SECONDS = 30 * 24 * 3600
_OPEN = ("/api/health", "/assets/", "/r/assets/")

_WRONG_TITLE = "That token is not this store's"
_NO_TOKEN = """Open the address that the training printed, with <code>?token=</code> in it,
or run <code>livecb view</code>, which prints it too.
<form><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" required><button>Open</button></form>
"""


class Guard:
    """ASGI middleware that lets in who may ask.

    Args:
        app: What stands behind it.
        token: The token; None lets everybody in.
        cookie: The name of the cookie that holds it.
    """

    def __init__(self, app: ASGIApp, token: str | None, cookie: str) -> None:
        self.app = app
        self._token = None if token is None else token.encode()
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        answer = self._check_token(scope, headers)
        if isinstance(answer, Problem):
            if scope["type"] == "websocket":
                await receive()
            await refuse(scope, receive, send, answer)
        else:
            await (self.app if answer is None else answer)(scope, receive, send)

    def _check_token(self, scope: Scope, headers: dict[bytes, str]) -> Problem | Response | None:
        if self._token is None:
            return None
        path = get_route_path(scope)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token", "")
        page = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and not path.startswith("/api/")
        if given and self._is_token(given):
            return (
                self._cookie_and_on(scope, path or "/", query) if page and scope["method"] == "GET" else None
            )
        words = self._words(headers)
        if any(map(self._is_token, [*words, self._kept(headers)])):
            return None
        if path.startswith(_OPEN):
            return None
        wrong = any([given, *words])
        if page and "text/html" in headers.get(b"accept", ""):
            return notice(_WRONG_TITLE if wrong else "This page needs its token", _NO_TOKEN, 401)
        return Problem(
            401,
            "A wrong token" if wrong else "No token",
            ("that token is not this store's: " if wrong else "")
            + "open the address that the training printed, or run `livecb view`; programs send "
            "`Authorization: Bearer TOKEN` or `X-API-Key: TOKEN`",
        )

    def _is_token(self, word: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(word.encode(), self._token)

    def _words(self, headers: dict[bytes, str]) -> list[str]:
        """Return the tokens in headers that somebody sent on purpose."""
        words = [headers.get(b"x-api-key", "")]
        scheme, _, word = headers.get(b"authorization", "").partition(" ")
        if scheme.lower() in ("bearer", "token"):
            words.append(word.strip())
        return words

    def _kept(self, headers: dict[bytes, str]) -> str:
        """Return the token in the cookie, which may be a stale one."""
        try:
            morsel = SimpleCookie(headers.get(b"cookie", "")).get(self._cookie)
        except CookieError:
            morsel = None
        return "" if morsel is None else morsel.value

    def _cookie_and_on(self, scope: Scope, path: str, query: list[tuple[str, str]]) -> Response:
        """Set the cookie, and go on to the same address without the token.

        The cookie is always set at the root: without a `Path` a browser takes the folder it sees, which is
        right also where a proxy puts a prefix before it that we never hear of. For the same reason
        addresses are relative.
        """
        rest = [(name, value) for name, value in query if name not in ("token", "next")]
        if path != "/":
            deeper = path.lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
            up = "../" * (path.count("/") - 1) or "./"
            to = up + "?" + urlencode([("token", dict(query)["token"]), ("next", deeper)])
            return Response(status_code=303, headers={"location": to, "cache-control": "no-store"})
        to = _safe(dict(query).get("next", "")) + (f"?{urlencode(rest)}" if rest else "")
        response = Response(status_code=303, headers={"location": to, "cache-control": "no-store"})
        response.set_cookie(
            self._cookie,
            dict(query)["token"],
            max_age=_COOKIE_SECONDS,
            path=None,
            httponly=True,
            samesite="lax",
            secure=scope.get("scheme") == "https",
        )
        return response


def _safe(onward: str) -> str:
    """Return a relative address below the root, whatever was asked."""
    path, mark, query = onward.partition("?")
    if not path or path.startswith(("/", "\\")) or ".." in path or not path.isprintable():
        return "./"
    return "./" + quote(path, safe="/%") + (f"?{quote(query, safe='=&%+')}" if mark else "")
