"""What the API can do, as an OpenAPI document made of the routes themselves.

A handler says with `described` what its query and body hold and what it answers with, by the very types that
check them; its docstring says the rest. A route without either is in the document all the same.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.routing import BaseRoute, Route

from livecb import __version__
from livecb.server.answers import Problem
from livecb.server.query import Query, bare, schema_of

__all__ = ["Operation", "described", "document"]

_F = TypeVar("_F", bound=Callable[..., Any])

_REF = "#/components/schemas/{name}"
_PROBLEM_JSON = "application/problem+json"
_JSON = "application/json"

_PATH = {
    "run": {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", "description": "a run's id"},
    "name": {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", "description": "its name"},
    "number": {"pattern": r"^[0-9]{1,15}(\.[0-9]{1,9})?$", "description": "the number of its event"},
    "digest": {"pattern": "^[0-9a-f]{64}$", "description": "the SHA-256 of the bytes"},
    "note": {"pattern": "^[0-9a-f]{12}$", "description": "the note's `id`"},
}
_ERRORS: dict[int, str] = {
    400: "Something of it was not understood.",
    401: "There is no token, or a wrong one.",
    403: "Whoever asks may not do that, or a page of another site asked.",
    404: "There is no such thing.",
    409: "The state of things does not allow it.",
    410: "It was, and is no more.",
    413: "Too much at once.",
    415: "The content type is another.",
    416: "There is nothing in that range.",
    429: "Too much is asked; `Retry-After` says when to ask again.",
    421: "The server does not go by that name.",
    501: "The server lacks what that takes.",
    507: "The server's disk does not take it.",
}
_TAGS = {
    "runs": "the list, what a run comes to, and what readers call it",
    "events": "the log itself: streams, batches, and appending from outside",
    "metrics": "values and curves",
    "media": "samples, pictures, files and checkpoints",
    "notes": "what readers write",
    "baselines": "what runs are compared with",
    "trash": "deleted runs",
    "rights": "who may do what: tokens, links, and the audit",
    "control": "what is asked of a training",
    "server": "the server itself",
}


class Operation(NamedTuple):
    """What a handler takes and gives, beside the parameters in its path.

    Attributes:
        query: The type of its query; or the meanings of the query's words.
        body: The shape of the JSON it takes, or the media type of what else it takes.
        answer: The type of the JSON it answers with, or several of which it is one.
        media: The media types of its answer.
        status: The status of its answer.
        tag: What it belongs to.
        errors: Statuses of errors beside those that any route may answer with.
        ranges: Whether a part of the bytes can be asked for.
        open: Whether it needs no token.
    """

    query: type[Query] | Mapping[str, str] | None = None
    body: type[msgspec.Struct] | str | None = None
    answer: Any = None
    media: tuple[str, ...] = (_JSON,)
    status: int = 200
    tag: str = "runs"
    errors: tuple[int, ...] = ()
    ranges: bool = False
    open: bool = False


def described(
    query: type[Query] | Mapping[str, str] | None = None,
    *,
    body: type[msgspec.Struct] | str | None = None,
    answer: Any = None,
    media: str | tuple[str, ...] = _JSON,
    status: int = 200,
    tag: str = "runs",
    errors: tuple[int, ...] = (),
    ranges: bool = False,
    open: bool = False,
) -> Callable[[_F], _F]:
    """Say what a handler takes and gives; see `Operation`."""
    kinds = (media,) if isinstance(media, str) else media

    def attach(handler: _F) -> _F:
        operation = Operation(query, body, answer, kinds, status, tag, errors, ranges, open)
        handler.operation = operation  # type: ignore[attr-defined]
        return handler

    return attach


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of all routes that are for programs."""
    found = [it for route in routes if isinstance(route, Route) for it in _operations_of(route)]
    types = [kind for *_, it in found for kind in (*_kinds(it.answer), it.body) if isinstance(kind, type)]
    unique = list(dict.fromkeys([Problem, *types]))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    known = dict(zip(map(id, unique), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler, operation in found:
        said = _operation(path, method, handler, operation, known)
        paths.setdefault(path, {})[method.lower()] = said
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "livecb",
            "version": __version__,
            "description": "Runs of trainings, live. Addresses are relative to where the app is mounted.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "..", "description": "where the app is mounted"}],
        "tags": [{"name": name, "description": meaning} for name, meaning in _TAGS.items()],
        "security": [{"bearer": []}, {"key": []}, {"query": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _refusal(about) for status, about in _ERRORS.items()}
            | {"5XX": _refusal("The server failed, or is stopping; its log says why.")},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "a token of the store"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
    }


def _operations_of(route: Route) -> Iterable[tuple[str, str, Any, Operation]]:
    if not (route.path.startswith("/api/") or route.path == "/metrics"):
        return
    for method in sorted((route.methods or set()) - {"HEAD"}):
        handler = getattr(route.endpoint, "handlers", {}).get(method, route.endpoint)
        yield route.path, method, handler, getattr(handler, "operation", Operation())


def _operation(
    path: str, method: str, handler: Any, operation: Operation, known: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    told = handler if inspect.isroutine(handler) else type(handler).__call__
    words = (inspect.getdoc(told) or "").partition("\n\n")
    said: dict[str, Any] = {
        "operationId": _id_of(path, method),
        "tags": [operation.tag],
        "summary": " ".join(words[0].split()),
        "parameters": [*_path_words(path), *_query_words(operation), *_range_word(operation)],
        "responses": _responses(path, operation, known),
    }
    if words[2] and not words[2].startswith(("Args:", "Attributes:", "Raises:")):
        said["description"] = words[2].partition("\n\nRaises:")[0]
    if operation.open:
        said["security"] = []
    if operation.body is not None:
        kind, schema = (
            (operation.body, {}) if isinstance(operation.body, str) else (_JSON, known[id(operation.body)])
        )
        said["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
    return said


def _path_words(path: str) -> list[dict[str, Any]]:
    found = []
    for name in re.findall(r"\{(\w+)", path):
        about = dict(_PATH.get(name, {}))
        word = {"name": name, "in": "path", "required": True, "description": about.pop("description", name)}
        found.append({**word, "schema": {"type": "string", **about}})
    return found


def _query_words(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    if isinstance(operation.query, Mapping):
        return [
            {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
            for name, meaning in operation.query.items()
        ]
    whole = schema_of(operation.query)
    found = []
    for name, given in whole["properties"].items():
        schema = bare(given)
        word: dict[str, Any] = {"name": name, "in": "query", "required": name in whole["required"]}
        word["description"] = schema.pop("description", name)
        if examples := schema.pop("examples", None):
            word["examples"] = {str(number): {"value": it} for number, it in enumerate(examples, 1)}
        if schema.get("default", ...) is None:
            del schema["default"]
        if schema.get("type") == "array":
            word |= {"style": "form", "explode": not schema.pop("commas", False)}
        found.append({**word, "schema": schema})
    return found


def _range_word(operation: Operation) -> list[dict[str, Any]]:
    about = "only these bytes, such as `bytes=0-999`"
    word = {"name": "Range", "in": "header", "description": about, "schema": {"type": "string"}}
    return [word] if operation.ranges else []


def _responses(path: str, operation: Operation, known: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    kinds = [known[id(kind)] for kind in _kinds(operation.answer)]
    schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
    content = {kind: {"schema": schema} if kind == _JSON and schema else {} for kind in operation.media}
    said = {str(operation.status): {"description": "What was asked for.", "content": content}}
    errors = {403, 421, *operation.errors}
    errors |= set() if operation.open else {401}
    errors |= {404} if "{" in path else set()
    errors |= {400} if operation.query or operation.body or "{" in path else set()
    errors |= {413, 415} if operation.body else set()
    if operation.ranges:
        said["206"] = {"description": "A part of the bytes.", "content": content}
        errors |= {416}
    said |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(errors)}
    return {**said, "5XX": {"$ref": "#/components/responses/5XX"}}


def _kinds(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else () if answer is None else (answer,)


def _refusal(about: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": about, "content": {_PROBLEM_JSON: {"schema": schema}}}


def _id_of(path: str, method: str) -> str:
    words = [word for word in re.split(r"\W+", path.removeprefix("/api/")) if word]
    return "_".join([method.lower(), *words])
