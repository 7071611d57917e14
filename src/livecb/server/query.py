"""What a request asks for in its query: one type a route, which checks it and describes it."""

from __future__ import annotations

import functools
import math
import re
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import HTTPConnection

from livecb.leaderboard import MOST as ROWS
from livecb.server.replies import Problem

__all__ = ["COMMAS", "MOST", "Axis", "Cursor", "Query", "Rows", "bare", "expected", "query_of", "schema_of"]

_Q = TypeVar("_Q", bound="Query")

COMMAS = {"commas": True}
"""Marks a list (`Meta(extra_json_schema=COMMAS)`) whose words stand in one, with commas between them."""

MOST = 2**53
"""No whole number is larger: beyond it, neighbours are the same to JavaScript."""

_CURSOR = r"^(|end|[0-9]{1,18}|[A-Za-z0-9_-]{1,64}@[0-9]{1,18}(,[A-Za-z0-9_-]{1,64}@[0-9]{1,18})*)$"

Rows = Annotated[int, Meta(ge=0, le=ROWS, description="State: at most so many rows of the leaderboard")]

Cursor = Annotated[
    str,
    Meta(
        description="where to go on; `0` from the beginning, `end` from now",
        extra_json_schema={"pattern": _CURSOR},  # the log itself says what a cursor of it is
        examples=["0", "4821"],
    ),
]

Axis = Literal["step", "epoch", "time", "batch", "samples", "tokens"]


class Query(msgspec.Struct, kw_only=True):
    """The words of a query; those that a route does not know mean nothing to it."""


class _Word(NamedTuple):
    """How one word of a query is read."""

    name: str
    is_list: bool
    commas: bool
    is_text: bool
    is_shaped: bool


def query_of(connection: HTTPConnection, kind: type[_Q]) -> _Q:
    """Return what a query says.

    Raises:
        Problem: A word of it is none that it could be.
    """
    given = connection.query_params
    data: dict[str, Any] = {}
    for word in _words(kind):
        if word.name not in given:
            continue
        said = given.getlist(word.name)
        if word.commas:
            data[word.name] = [part.strip() for text in said for part in text.split(",") if part.strip()]
        elif word.is_list:
            data[word.name] = said
        elif _is_none_anyway(word, said[-1]):
            raise _refused(kind, word.name, said[-1])
        else:
            data[word.name] = said[-1]
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        if (path := re.search(r"\$\.(\w+)(?:\[(\d+)\])?", str(error))) is not None:
            value = data[path[1]]
            raise _refused(kind, path[1], value[int(path[2])] if path[2] else value) from error
        missing = re.search(r"required field `(\w+)`", str(error))
        raise _refused(kind, missing[1] if missing else "the query", None) from error


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
_NO_NUMBERS = ("null", "nan", "inf", "infinity")


def _is_none_anyway(word: _Word, said: str) -> bool:
    """Whether msgspec would take what is none: Python's `$`, not JSON Schema's, takes a last line break."""
    if word.is_shaped and said.endswith("\n"):
        return True
    return not word.is_text and said.strip().lower().lstrip("+-") in _NO_NUMBERS


@functools.cache
def _words(kind: type[Query]) -> list[_Word]:
    properties = schema_of(kind)["properties"]
    found = []
    for field in msgspec.structs.fields(kind):
        schema = bare(properties[field.encode_name])
        commas = bool(schema.get("commas"))
        is_text = schema.get("type") == "string" or "enum" in schema
        is_shaped = "pattern" in schema
        found.append(_Word(field.encode_name, schema.get("type") == "array", commas, is_text, is_shaped))
    return found


@functools.cache
def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema of a query, or of a body."""
    schema: dict[str, Any] = msgspec.json.schema_components([kind])[1][kind.__name__]
    return schema


def bare(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a word that is there: it is never null."""
    rest = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    return {**schema, **rest[0]} if len(rest) == 1 else dict(schema)


def _refused(kind: type[Query], name: str, value: Any) -> Problem:
    schema = bare(schema_of(kind)["properties"].get(name, {}))
    got = "nothing" if value is None else repr(value)
    return Problem(400, "Not understood", f"expected {name} to be {expected(schema)}, got {got}")


def expected(schema: dict[str, Any]) -> str:
    """Return in words what a schema asks for."""
    if "anyOf" in schema:
        return " or ".join(expected(kind) for kind in schema["anyOf"] if kind.get("type") != "null")
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    kind = schema.get("type")
    if kind == "array":
        each = expected(schema["items"])
        return (
            each
            if isinstance(schema.get("items"), dict) and "enum" in schema["items"]
            else f"one or more, each {each}"
        )
    if kind == "boolean":
        return "0 or 1"
    if kind == "string":
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        shape = f" of the shape {schema['pattern']}" if "pattern" in schema else ""
        if schema.get("pattern") == r"\S":
            shape = " that is not blank,"
        span = f"{least} to {most}" if least else f"at most {most}"
        return f"a word{shape}" + (f" of {span} letters" if most < math.inf else "")
    bounds = [f"{word} {schema[name]:.17g}" for name, word in _BOUNDS.items() if name in schema]
    bound = f" of {' and '.join(bounds)}" if bounds else ""
    return ("a whole number" if kind == "integer" else "a number") + bound
