"""The server: a store's runs for browsers and programs.

`create_app` returns the ASGI app; `python -m livecb.server` runs it as a process of its own;
`livecb.server.launch` finds or starts one. `stream_response` answers a request of an app of the user's own
with a training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livecb.server.app import App, create_app
    from livecb.server.response import stream_response

__all__ = ["App", "create_app", "stream_response"]


def __getattr__(name: str) -> Any:
    # A training imports `livecb.server.launch`, which must not bring an ASGI framework along.
    if name in __all__:
        from livecb.server import app, response

        return getattr(response if name == "stream_response" else app, name)
    raise AttributeError(f"module 'livecb.server' has no attribute {name!r}")
