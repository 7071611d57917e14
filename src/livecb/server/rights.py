"""Who asks, over the wire: what they may."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from livecb.server.access import access_of
from livecb.server.replies import json_response

__all__ = ["Rights"]


class Rights:
    """Handlers of what concerns rights."""

    async def access(self, request: Request) -> Response:
        """What whoever asks may: a role, and the part of the store that it is for."""
        return json_response(access_of(request.scope).to_json())
