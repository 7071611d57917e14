"""What readers ask of a run: checked here, obeyed by the run."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb.control.commands import COMMANDS, Asked, ask, check_heard, wish
from livecb.errors import CommandRefused
from livecb.server.access import access_of
from livecb.server.audit import tell
from livecb.server.body import body_of
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.replies import Problem, json_response
from livecb.steering import why_not

__all__ = ["Commands", "Wish"]


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked of a run.

    Attributes:
        name: `pause`, `resume`, `stop`, `save`, `evaluate`, `sample`, `skip`, `drop`, `add` or `set`.
        parameter: What to set.
        value: What to set it to; of a `pause`, the seconds after which it ends by itself; of `skip`, `drop`
            and `add`, the candidate's name.
        by: Who asks.
        within: Seconds after which it is not to be obeyed any more.
    """

    name: Annotated[str, Meta(extra_json_schema={"enum": list(COMMANDS)})]  # what is none is refused in words
    parameter: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    value: float | bool | Annotated[str, Meta(max_length=10_000)] | None = None
    by: Annotated[str, Meta(max_length=200)] | None = None
    within: Annotated[float, Meta(gt=0, le=30 * 86400)] | None = None


class Commands:
    """What appends to a run's command log."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(body=Wish, answer=Asked, status=202, tag="control", errors=(409,))
    async def ask(self, request: Request) -> Response:
        """Ask something of a run; what becomes of it is a `command` event of the same id."""
        run = self.hub.store.run(request.path_params["run"])
        asked, access = await body_of(request, Wish), access_of(request.scope)
        more = {} if asked.within is None else {"within": asked.within}
        by = access.signed(asked.by) or access.known_as
        try:
            made = wish(asked.name, asked.value, parameter=asked.parameter, by=by, **more)
        except CommandRefused as error:
            raise Problem(400, "No such command", str(error)) from error
        if not run.alive():
            raise Problem(409, "The run has ended", f"run {run.id} has ended: nothing can be asked of it")
        try:
            check_heard(run)
        except CommandRefused as error:
            raise Problem(409, "The run does not do that", str(error)) from error
        state = msgspec.json.decode(await self.hub.indexes.state(run.id, True))
        if (reason := why_not(state["controls"], asked.name, asked.parameter, asked.value)) is not None:
            raise Problem(409, "The run does not do that", reason)
        try:
            ask(run, made)
        except CommandRefused as error:
            raise Problem(409, "The run has ended", str(error)) from error
        said = {"by": made.by, "name": made.name, "parameter": made.parameter, "value": made.value}
        tell(request.scope, **{word: value for word, value in said.items() if value is not None})
        return json_response(msgspec.json.encode(made), 202)
