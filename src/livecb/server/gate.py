"""What a route needs of whoever asks: said beside its handler, and checked before that is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from starlette.routing import request_response
from starlette.types import ASGIApp, Receive, Scope, Send

from livecb.errors import LivecbError
from livecb.server.access import Role, access_of
from livecb.server.replies import Handler, endpoint, problem_of, refuse

__all__ = ["Gate", "Rule", "admin", "anyone", "control", "view", "write"]


@dataclass(frozen=True)
class Rule:
    """A handler, and who may have it answer.

    Attributes:
        role: The least that is needed.
        whole: Whether it is of the whole store, and not for a token of a part.
        any_run: Whether the run in the address may be one that nobody knows of.
    """

    role: Role
    handler: Handler | ASGIApp
    whole: bool = False
    any_run: bool = False

    @cached_property
    def app(self) -> ASGIApp:
        """The handler as an ASGI app."""
        if inspect.isroutine(self.handler):
            return request_response(endpoint(self.handler))
        return self.handler  # type: ignore[return-value]


def _needs(role: Role) -> Callable[..., Rule]:
    def rule(handler: Handler | ASGIApp, *, whole: bool = False, any_run: bool = False) -> Rule:
        return Rule(role, handler, whole, any_run)

    rule.__doc__ = f"Return the rule that a handler is for {role.word}."
    return rule


anyone, view, control, write, admin = map(_needs, Role)


class Gate:
    """One address, answered by another handler for each method, to who may.

    Attributes:
        rules: By method; a WebSocket asks with GET.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = dict(rules)

    @property
    def handlers(self) -> dict[str, Handler | ASGIApp]:
        """The handlers by method."""
        return {method: rule.handler for method, rule in self.rules.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say why not."""
        method = scope.get("method", "GET")
        rule = self.rules.get("GET" if method == "HEAD" else method) or self.rules["GET"]
        try:
            access, run = access_of(scope), scope["path_params"].get("run")
            if run is not None and not rule.any_run:
                access.check_run(run)  # before the role: what it may not know of is not there at all
            access.check(rule.role, rule.whole, f"{method} {scope['path']}")
        except LivecbError as error:
            if scope["type"] == "websocket":
                await receive()
            await refuse(scope, receive, send, problem_of(error))
            return
        await rule.app(scope, receive, send)
