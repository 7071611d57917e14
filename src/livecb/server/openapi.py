"""What the API can do, as an OpenAPI document made of the routes themselves.

A handler says with `described` what its query and body hold and what it answers with, by the very types that
check them; its docstring says the rest, and its route who may ask. What the front door refuses, whatever is
asked for, stands with every operation.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.routing import BaseRoute, Route

from livecb import __version__
from livecb.server.access import Role
from livecb.server.answers import Problem
from livecb.server.examples import EXAMPLES
from livecb.server.gate import Gate, Rule
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
    408: "It came too slowly.",
    409: "The state of things does not allow it.",
    410: "It was, and is no more.",
    413: "Too much at once.",
    414: "The address is too long.",
    415: "The content type is another.",
    416: "There is nothing in that range.",
    421: "The server does not go by that name.",
    429: "Too much is asked; `Retry-After` says when to ask again.",
    431: "There are too many headers, or they are too long.",
    501: "The server lacks what that takes.",
    507: "The server's disk does not take it.",
}
_FRONT_DOOR = frozenset({400, 403, 408, 414, 421, 429, 431})
"""What any request may be answered with, before it is looked at what it asks for."""

_SCHEMES = ("bearer", "key", "query", "cookie")

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
    """

    query: type[Query] | Mapping[str, str] | None = None
    body: type[msgspec.Struct] | str | None = None
    answer: Any = None
    media: tuple[str, ...] = (_JSON,)
    status: int = 200
    tag: str = "runs"
    errors: tuple[int, ...] = ()
    ranges: bool = False


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
) -> Callable[[_F], _F]:
    """Say what a handler takes and gives; see `Operation`."""
    kinds = (media,) if isinstance(media, str) else media

    def attach(handler: _F) -> _F:
        operation = Operation(query, body, answer, kinds, status, tag, errors, ranges)
        handler.operation = operation  # type: ignore[attr-defined]
        return handler

    return attach


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of all routes that are for programs."""
    found = [it for route in routes if isinstance(route, Route) for it in _operations_of(route)]
    asked = [operation.body for *_, operation in found if not isinstance(operation.body, str | None)]
    told = [kind for *_, operation in found for kind in _kinds(operation.answer)]
    unique = list(dict.fromkeys([Problem, *told, *asked]))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    known = dict(zip(map(id, unique), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, rule, operation in found:
        said = _operation(path, method, rule, operation, known)
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
        "security": _security(Role.VIEW),
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _refusal(about) for status, about in _ERRORS.items()}
            | {"5XX": _refusal("The server failed, or is stopping; its log says why.")},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "a token of the store"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "livecb",
                    "description": "a page's, which its first open left; the store's key ends its name",
                },
            },
        },
    }


def _operations_of(route: Route) -> Iterable[tuple[str, str, Rule, Operation]]:
    if not (route.path.startswith("/api/") or route.path == "/metrics"):
        return
    assert isinstance(route.endpoint, Gate), f"{route.path} says nothing of who may ask"
    for method, rule in sorted(route.endpoint.rules.items()):
        yield route.path, method, rule, getattr(rule.handler, "operation", Operation())


def _operation(
    path: str, method: str, rule: Rule, operation: Operation, known: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    told = rule.handler if inspect.isroutine(rule.handler) else type(rule.handler).__call__
    words = (inspect.getdoc(told) or "").partition("\n\n")
    example = EXAMPLES.get(f"{method} {path}", {})
    said: dict[str, Any] = {
        "operationId": _id_of(path, method),
        "tags": [operation.tag],
        "summary": " ".join(words[0].split()),
        "parameters": [*_path_words(path), *_query_words(operation), *_range_word(operation)],
        "responses": _responses(path, rule, operation, known, example.get("answer")),
        "security": _security(rule.role),
        "x-livecb-role": rule.role.word,
    }
    if words[2] and not words[2].startswith(("Args:", "Attributes:", "Raises:")):
        said["description"] = words[2].partition("\n\nRaises:")[0]
    if rule.whole:
        said["x-livecb-whole-store"] = True
    if operation.body is not None:
        kind, schema = (
            (operation.body, _schema_of_media(operation.body))
            if isinstance(operation.body, str)
            else (_JSON, known[id(operation.body)])
        )
        content = {"schema": schema, **_example(example.get("body"))}
        said["requestBody"] = {"required": True, "content": {kind: content}}
    return said


def _security(role: Role) -> list[dict[str, list[str]]]:
    """Return what opens an operation: any of the ways to bring a token, with a role."""
    return [{scheme: [role.word]} for scheme in _SCHEMES] if role else []


def _example(value: Any) -> dict[str, Any]:
    return {} if value is None else {"example": value}


def _schema_of_media(kind: str) -> dict[str, Any]:
    """Return the schema of what is no JSON: a text, or bytes, of which OpenAPI says nothing more."""
    text = kind.startswith("text/") or kind == "application/x-ndjson"
    return {"type": "string"} if text else {}


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


def _responses(
    path: str, rule: Rule, operation: Operation, known: Mapping[int, dict[str, Any]], example: Any
) -> dict[str, Any]:
    kinds = [known[id(kind)] for kind in _kinds(operation.answer)]
    schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
    content: dict[str, Any] = {kind: {"schema": _schema_of_media(kind)} for kind in operation.media}
    main = operation.media[0]
    content[main] = {"schema": schema if main == _JSON else _schema_of_media(main), **_example(example)}
    said = {str(operation.status): {"description": "What was asked for.", "content": content}}
    errors = {*_FRONT_DOOR, *operation.errors}
    errors |= {401} if rule.role else set()
    errors |= {404} if "{" in path else set()
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
