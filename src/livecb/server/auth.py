"""Who may ask: host names, origins and the token, checked before anything else sees a request.

Three dangers, three checks. Another user of the machine, or of the network: the token. A site whose name
was made to lead to this machine (DNS rebinding): the `Host`. A site that makes the visitor's own browser
ask: the `Origin`, and a cookie that goes along from this site only (`SameSite=Lax`). For that last reason
the page may stand in a frame, as notebooks show it: a frame on a foreign site gets no cookie, and so shows
nothing.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livecb.server.notice import notice
from livecb.server.replies import Problem, refuse

__all__ = ["Guard"]

CSP = "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'"
_SECURITY = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_COOKIE_SECONDS = 30 * 24 * 3600
_SAFE = ("GET", "HEAD", "OPTIONS")
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
        hosts: Further names this server goes by; `*` for any.
        bound: The address it listens on.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str | None,
        cookie: str,
        hosts: Iterable[str] = (),
        bound: str | None = None,
    ) -> None:
        self.app = app
        self._token = None if token is None else token.encode()
        self._cookie = cookie
        self._allowed = {name.lower().strip("[]") for name in hosts}
        self._hosts = set(self._allowed)
        self._any_address = False
        if bound is not None:
            self._bind(bound)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        answer = (
            self._check_address(headers)
            or self._check_write(scope, headers)
            or self._check_token(scope, headers)
        )
        if isinstance(answer, Problem):
            if scope["type"] == "websocket":
                await receive()
            await refuse(scope, receive, _with_headers(send), answer)
        elif answer is not None:
            await answer(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket" or "text/event-stream" in headers.get(b"accept", ""):
            await self.app(scope, receive, send)  # as it is: a stream writes often
        else:
            await self.app(scope, receive, _with_headers(send))

    def _bind(self, bound: str) -> None:
        if bound in ("", "0.0.0.0", "::"):
            # By any of this machine's addresses; rebinding needs a name.
            self._any_address = True
            self._hosts |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        else:
            self._hosts.add(bound.lower())

    # Host and Origin

    def _check_address(self, headers: dict[bytes, str]) -> Problem | None:
        host = headers.get(b"host", "")
        if not self._knows(_name_of(host)):
            return Problem(
                421,
                "Not a name of this server",
                f"it does not go by {host!r}; use localhost, or allow the name: "
                "`livecb view --allow-host NAME`, LIVECB_ALLOWED_HOSTS or create_app(allowed_hosts=[...])",
            )
        origin = headers.get(b"origin")
        if origin is None or "*" in self._allowed:
            return None
        asked = urlsplit(origin).netloc.lower()
        if asked and (asked == host.lower() or _name_of(asked) in self._allowed):
            return None
        return Problem(
            403,
            "Not from here",
            f"a page of {origin!r} asked, which is not this server at {host!r}; allow its host name",
        )

    def _check_write(self, scope: Scope, headers: dict[bytes, str]) -> Problem | None:
        """Refuse what a page of another site makes a browser change, though any name be allowed."""
        site = headers.get(b"sec-fetch-site", "none")
        named = _name_of(urlsplit(headers.get(b"origin", "")).netloc)
        if scope.get("method", "GET") in _SAFE or site in ("same-origin", "none") or named in self._allowed:
            return None
        return Problem(403, "Not from here", f"a page of another site ({site}) asked; allow its host name")

    def _knows(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts or "*" in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._any_address

    # Token

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


def _name_of(host: str) -> str:
    """Return the name in `name:port` or `[address]:port`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _safe(onward: str) -> str:
    """Return a relative address below the root, whatever was asked."""
    path, mark, query = onward.partition("?")
    if not path or path.startswith(("/", "\\")) or ".." in path or not path.isprintable():
        return "./"
    return "./" + quote(path, safe="/%") + (f"?{quote(query, safe='=&%+')}" if mark else "")


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"].endswith("response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers


def allowed_hosts_from_environment() -> list[str]:
    """Return the names in `LIVECB_ALLOWED_HOSTS`."""
    return [name.strip() for name in os.environ.get("LIVECB_ALLOWED_HOSTS", "").split(",") if name.strip()]
