"""From where a browser asks: host names, origins and frames, checked before anything else sees a request.

Two dangers, two checks. A site whose name was made to lead to this machine (DNS rebinding): the `Host`. A
site that makes the visitor's own browser ask: the `Origin`. A page of another origin that is allowed is
let in without the visitor's cookie: it shows a token of its own, or gets nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livecb.server.bounds import check_head
from livecb.server.door import WILDCARD, parse_origin
from livecb.server.replies import Problem, refuse

__all__ = ["FORWARDED_HOST", "Origins", "name_of"]

FORWARDED_HOST = "livecb.forwarded_host"
"""Where a request has the host that a trusted proxy says it was asked by."""

# A notebook shows the page in a frame: Jupyter on this machine, or VS Code. No foreign site may, whose
# visitor could be made to click.
_FRAMES = (
    "'self' http://localhost:* https://localhost:* http://127.0.0.1:* https://127.0.0.1:* "
    "vscode-webview: vscode-file:"
)
_CSP = "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'"
_SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_SAFE = ("GET", "HEAD", "OPTIONS")
_PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "authorization, x-api-key, content-type, accept, range, last-event-id, "
    "cache-control, if-none-match, if-modified-since",
    "access-control-max-age": "600",
}
_EXPOSED = "content-disposition, content-range, accept-ranges, etag, last-modified, retry-after, link"


class Origins:
    """ASGI middleware that lets in who asks by a name of this server, from a page of it or an allowed one.

    Args:
        app: What stands behind it.
        hosts: Further names this server goes by; `*` for any.
        origins: Pages of other origins that may ask.
        bound: The address it listens on.

    Raises:
        ServerError: One of `origins` is none.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] = (), origins: Iterable[str] = (), bound: str | None = None
    ) -> None:
        self.app = app
        self._allowed = {name.lower().strip("[]") for name in hosts}
        self._origins = {parse_origin(origin) for origin in origins}
        self._hosts = set(self._allowed)
        self._any_address = False
        if bound is not None:
            self._bind(bound)
        self._frames = " ".join([_FRAMES, *sorted(self._origins)])
        self._headers = dict(_SECURITY)
        if self._origins:
            self._headers["vary"] = "Origin"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        problem = check_head(scope) or self._check_host(scope, headers)
        guest = problem is None and self._is_guest(scope, headers)
        added = {**self._headers, **(_for_guest(headers[b"origin"]) if guest else {})}
        answer = _Answer(send, added, self._frames).send
        if guest:
            # The visitor's cookie would make its rights the page's.
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"cookie"]}
        elif problem is None:
            problem = self._check_origin(scope, headers)
        if problem is not None:
            if scope["type"] == "websocket":
                await receive()
            await refuse(scope, receive, answer, problem)
        elif guest and scope.get("method") == "OPTIONS" and b"access-control-request-method" in headers:
            private = b"access-control-request-private-network" in headers
            more = {"access-control-allow-private-network": "true"} if private else {}
            await Response(status_code=204, headers={**_PREFLIGHT, **more})(scope, receive, answer)
        else:
            await self.app(scope, receive, answer)

    def _bind(self, bound: str) -> None:
        if bound in WILDCARD:
            # By any of this machine's addresses; rebinding needs a name.
            self._any_address = True
            self._hosts |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        else:
            self._hosts.add(bound.lower())

    def _check_host(self, scope: Scope, headers: Mapping[bytes, str]) -> Problem | None:
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            return Problem(400, "Several hosts", "a request names one host: send one header `Host`")
        host = headers.get(b"host", "")
        if self._knows(name_of(host)):
            return None
        return Problem(
            421,
            "Not a name of this server",
            f"it does not go by {host!r}; use localhost, or allow the name: "
            "`livecb view --allow-host NAME`, LIVECB_ALLOWED_HOSTS or create_app(allowed_hosts=[...])",
        )

    def _is_guest(self, scope: Scope, headers: Mapping[bytes, str]) -> bool:
        """Whether a page of an allowed origin asks, which is not this server's own."""
        origin = headers.get(b"origin", "").lower()
        return origin in self._origins and not self._is_own(scope, headers)

    def _is_own(self, scope: Scope, headers: Mapping[bytes, str]) -> bool:
        origin = urlsplit(headers.get(b"origin", "").lower())
        # A proxy may name itself as the host, and say beside it by which one it was asked.
        hosts = (headers.get(b"host", "").lower(), scope.get(FORWARDED_HOST))
        clear = origin.scheme == "http" and scope.get("scheme") in ("https", "wss")
        return bool(origin.netloc) and origin.netloc in hosts and not clear

    def _check_origin(self, scope: Scope, headers: Mapping[bytes, str]) -> Problem | None:
        """Refuse what a page of another site asks; and what it makes a browser change, though any name be
        allowed."""
        origin = headers.get(b"origin")
        named = name_of(urlsplit(origin or "").netloc)
        # A proxy may hide by which name it was asked. Where `Host` is that name with another port, nothing
        # is hidden: another server of that host, to which browsers give the same cookies, made the page.
        host = headers.get(b"host", "").lower()
        hidden = named in self._allowed and (name_of(host) != named or _has_no_port(host))
        own = self._is_own(scope, headers) or hidden
        # Browsers name the page's origin to its own scripts and styles, which a proxy that names itself hides
        # from us. They are everybody's, and no other site may read them.
        public = scope.get("method") in _SAFE and "/assets/" in scope["path"]
        if origin is not None and not own and not public:
            return Problem(
                403,
                "Not from here",
                f"a page of {origin!r} asked, which is not this server at {headers[b'host']!r}; allow it: "
                "`livecb view --allow-origin ORIGIN`, LIVECB_ALLOWED_ORIGINS or "
                "create_app(allowed_origins=[...])",
            )
        site = headers.get(b"sec-fetch-site", "none")
        if own or scope.get("method", "GET") in _SAFE or site in ("same-origin", "none"):
            return None
        return Problem(
            403,
            "Not from here",
            f"a page of another site ({site}) asked; allow its origin with --allow-origin",
        )

    def _knows(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts or "*" in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._any_address


def name_of(host: str) -> str:
    """Return the name in `name:port` or `[address]:port`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _has_no_port(host: str) -> bool:
    return not host.rpartition("]")[2].rpartition(":")[1]


def _for_guest(origin: str) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": _EXPOSED,
        "cross-origin-resource-policy": "cross-origin",
    }


class _Answer:
    """Adds headers to an answer as it begins.

    Attributes:
        transport: The connection's, which a stream needs that cuts off who does not read.
    """

    def __init__(self, send: Send, headers: Mapping[str, str], frames: str) -> None:
        self._send = send
        self._headers = headers
        self._frames = frames
        self.transport = getattr(getattr(send, "__self__", None), "transport", None)

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"].endswith("response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            # Some answers have a policy of their own, stricter than this; who may frame it is one for all.
            policy = headers.get("content-security-policy", _CSP)
            headers["content-security-policy"] = f"{policy}; frame-ancestors {self._frames}"
        await self._send(message)
