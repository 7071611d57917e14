"""What the API can do, as an OpenAPI document made of the routes themselves.

A handler says with `described` what its query and body hold; its docstring says the rest. A route without
either is in the document all the same.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.routing import BaseRoute, Route

from livecb import __version__

__all__ = ["Operation", "described", "document"]

_F = TypeVar("_F", bound=Callable[..., Any])

_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
    },
}


class Operation(NamedTuple):
    """What a handler takes and gives, beside the parameters in its path.

    Attributes:
        query: Meanings of the query's words.
        body: The shape of the JSON it takes, or the media type of what else it takes.
        media: The media type of its answer.
        status: The status of its answer.
    """

    query: Mapping[str, str] = {}
    body: type[msgspec.Struct] | str | None = None
    media: str = "application/json"
    status: int = 200


def described(
    query: Mapping[str, str] | None = None,
    *,
    body: type[msgspec.Struct] | str | None = None,
    media: str = "application/json",
    status: int = 200,
) -> Callable[[_F], _F]:
    """Say what a handler takes and gives."""

    def attach(handler: _F) -> _F:
        handler.operation = Operation(query or {}, body, media, status)  # type: ignore[attr-defined]
        return handler

    return attach


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of all routes that are for programs."""
    paths: dict[str, dict[str, Any]] = {}
    bodies: set[type[msgspec.Struct]] = set()
    for route in routes:
        if isinstance(route, Route) and (route.path.startswith("/api/") or route.path == "/metrics"):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                handler = getattr(route.endpoint, "handlers", {}).get(method, route.endpoint)
                operation = getattr(handler, "operation", Operation())
                if isinstance(operation.body, type):
                    bodies.add(operation.body)
                paths.setdefault(route.path, {})[method.lower()] = _operation(
                    route.path, method, handler, operation
                )
    _, schemas = msgspec.json.schema_components(sorted(bodies, key=lambda it: it.__name__))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "livecb",
            "version": __version__,
            "description": "Runs of trainings, live. Addresses are relative to where the app is mounted.",
        },
        "servers": [{"url": ".."}],
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(path: str, method: str, handler: Any, operation: Operation) -> dict[str, Any]:
    told = handler if inspect.isroutine(handler) else type(handler).__call__
    words = (inspect.getdoc(told) or "").partition("\n\n")
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)", path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in operation.query.items()
    ]
    said: dict[str, Any] = {
        "operationId": _id_of(path, method),
        "summary": " ".join(words[0].split()),
        "parameters": parameters,
        "responses": {
            str(operation.status): {"description": "It.", "content": {operation.media: {}}},
            "default": {
                "description": "It was refused.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if isinstance(operation.body, str):
        said["requestBody"] = {"required": True, "content": {operation.body: {}}}
    elif operation.body is not None:
        schema = {"$ref": f"#/components/schemas/{operation.body.__name__}"}
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return said


def _id_of(path: str, method: str) -> str:
    words = [word for word in re.split(r"\W+", path.removeprefix("/api/")) if word]
    return "_".join([method.lower(), *words])
