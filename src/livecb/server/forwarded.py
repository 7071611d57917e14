"""What a proxy in front of the server says of a request: who asked, how, by which name, and under which path.

It is believed of proxies that are trusted alone; anyone else could say anything.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from livecb.errors import ServerError
from livecb.server.door import parse_prefix
from livecb.server.origin import FORWARDED_HOST

__all__ = ["Forwarded"]


class Forwarded:
    """ASGI middleware that puts the path prefix where the app expects it, and hears trusted proxies.

    A proxy may take the prefix away or leave it there: the app answers with and without it.

    Args:
        app: What stands behind it.
        prefix: The path prefix that the server is told of.
        proxies: Addresses and networks of those that are believed.
    """

    def __init__(self, app: ASGIApp, prefix: str = "", proxies: Iterable[str] = ()) -> None:
        self.app = app
        self._prefix = prefix
        self._networks = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]
        self._proxied = ProxyHeadersMiddleware(app, [*proxies])  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        prefix, trusted = self._prefix, self._trusts(scope)
        if trusted:
            headers = Headers(scope=scope)
            if host := headers.get("x-forwarded-host"):
                scope[FORWARDED_HOST] = host.partition(",")[0].strip().lower()
            prefix = _said(headers.get("x-forwarded-prefix", "")) or prefix
        if prefix and scope["path"] == prefix:
            # Relative addresses lead from a folder.
            query = scope["query_string"].decode("latin-1")
            to = f"{prefix.rpartition('/')[2]}/" + (f"?{query}" if query else "")
            await Response(status_code=307, headers={"location": to})(scope, receive, send)
            return
        if prefix:
            scope["root_path"] = prefix
            if not scope["path"].startswith(f"{prefix}/"):
                scope["path"] = prefix + scope["path"]
        await (self._proxied if trusted else self.app)(scope, receive, send)  # type: ignore[arg-type]

    def _trusts(self, scope: Scope) -> bool:
        try:
            address = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)  # as a socket for both families shows it
        return any((mapped or address) in network for network in self._networks)


def _said(prefix: str) -> str:
    try:
        return parse_prefix(prefix.partition(",")[0])
    except ServerError:
        return ""
