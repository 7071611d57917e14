"""Answers that are not streams: JSON, and errors that say what to do."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from livecb.errors import CursorError, LivecbError, LogError, RunNotFound, RunWritten, ServerError, StoreError

__all__ = ["PROBLEM_JSON", "REFUSED", "TYPE", "Problem", "endpoint", "json_response", "problem_of", "refuse"]

Handler = Callable[[Request], Awaitable[Response]]

PROBLEM_JSON = "application/problem+json"
REFUSED = "livecb.refused"
"""Where a request for a stream has the counts of answers by status: those that began are counted apart."""

TYPE = "tag:livecb,2026:"

_NO_STORE = {"cache-control": "no-store"}

_log = logging.getLogger("livecb.server")


class Problem(LivecbError):
    """An answer that is an error, as RFC 9457 says it: its status, what is wrong, and what to do.

    Args:
        status: The HTTP status.
        title: What is wrong, in the same words each time; its type is made of them.
        detail: What is wrong this time, and the cure.
        more: Members of its own, such as the cursor to go on from.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.more = dict(more or {})
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """What kind of problem it is: a tag, which does not change and leads nowhere."""
        return TYPE + re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def to_json(self) -> bytes:
        """Return it as the API says it; `error` is for clients of before."""
        said = {"status": self.status, "title": self.title, "detail": self.detail}
        return msgspec.json.encode({"type": self.type, **said, **self.more, "error": said})


def problem_of(error: LivecbError) -> Problem:
    """Return how the API says an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RunWritten):
        return Problem(409, "The run is being written", str(error))
    if isinstance(error, RunNotFound):
        told = f"no run {error.run!r}; GET api/runs lists those there are" if error.run else str(error)
        return Problem(404, "No such run", told)
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
    response = error_response(problem, scope)
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": problem.detail[:120]})
        return
    await response(scope, receive, send)


def error_response(problem: Problem, scope: Scope) -> Response:
    """Return an error as problem details."""
    if REFUSED in scope:
        scope[REFUSED][problem.status] += 1
    return Response(problem.to_json(), problem.status, {**problem.headers, **_NO_STORE}, PROBLEM_JSON)


def json_response(content: bytes | dict[str, Any], status: int = 200) -> Response:
    """Return JSON, encoded already or not, that nobody caches."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Response(body, status, _NO_STORE, "application/json")


def endpoint(handler: Handler) -> Handler:
    """Turn what a handler raises into an answer."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except LivecbError as error:
            return error_response(problem_of(error), request.scope)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        except Exception as error:
            _log.exception("cannot answer %s %r", request.method, request.url.path)
            detail = f"{type(error).__name__}: {error}; the server's log says where"
            return error_response(Problem(500, "The server failed", detail), request.scope)

    return answer
