"""Answers that are not streams: JSON, and errors that say what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from livecb.errors import CursorError, LivecbError, LogError, RunNotFound, ServerError, StoreError

__all__ = ["Problem", "endpoint", "json_response", "problem_of", "refuse"]

Handler = Callable[[Request], Awaitable[Response]]

_NO_STORE = {"cache-control": "no-store"}


class Problem(LivecbError):
    """An answer that is an error: its status, what is wrong, and what to do."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail

    def to_json(self) -> bytes:
        """Return it as the API says it."""
        return msgspec.json.encode(
            {"error": {"status": self.status, "title": self.title, "detail": self.detail}}
        )


def problem_of(error: LivecbError) -> Problem:
    """Return how the API says an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RunNotFound):
        return Problem(404, "No such run", str(error))
    if isinstance(error, CursorError):
        return Problem(400, "Not a cursor", str(error))
    if isinstance(error, StoreError):
        return Problem(500, "The store cannot be used", str(error))
    if isinstance(error, ServerError):
        return Problem(503, "The server is stopping", str(error))
    if isinstance(error, LogError):
        return Problem(500, "The log cannot be read", str(error))
    return Problem(400, "Not understood", str(error))


async def refuse(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    """Answer a request, or a WebSocket that is not accepted yet, with an error."""
    response = error_response(problem)
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": problem.detail[:120]})
        return
    await response(scope, receive, send)


def error_response(problem: Problem) -> Response:
    """Return an error as JSON."""
    return Response(problem.to_json(), problem.status, _NO_STORE, "application/json")


def json_response(content: bytes | dict[str, Any]) -> Response:
    """Return JSON, encoded already or not, that nobody caches."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Response(body, 200, _NO_STORE, "application/json")


def endpoint(handler: Handler) -> Handler:
    """Turn what a handler raises into an answer."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except LivecbError as error:
            return error_response(problem_of(error))

    return answer
