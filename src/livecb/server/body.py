"""What a request brings along: JSON of a known shape, or bytes, neither of them without a bound."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from livecb.server.query import bare, expected, schema_of
from livecb.server.replies import Problem

__all__ = ["body_of", "bytes_of", "saved"]

_T = TypeVar("_T", bound=msgspec.Struct)
_MOST = 256 << 10
_SHOWN = 80


async def body_of(request: Request, kind: type[_T]) -> _T:
    """Return the JSON of a request.

    That its type must be said keeps foreign pages out, too: a form or a plain text is all that a browser
    sends to another site without asking it before.

    Raises:
        Problem: It is not said to be JSON, is none of this shape, or is too long.
    """
    body = await bytes_of(request, "application/json", _MOST)
    try:
        said = _whole(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise _refused(f"expected {_fields(kind)}, got what is no JSON: {_shown(body)} ({why})") from error
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise _refused(_wrong(str(error), said, kind)) from error


def _refused(detail: str) -> Problem:
    return Problem(400, "Not understood", detail)


def _wrong(told: str, said: Any, kind: type[msgspec.Struct]) -> str:
    """Return what was expected and what came, of what msgspec tells of a value."""
    if (at := re.search(r"`\$\.(\w+)(?:\[(\d+)\])?", told)) is not None:
        schema, value = bare(schema_of(kind)["properties"][at[1]]), said[at[1]]
        if at[2]:
            schema, value = schema.get("items", schema), value[int(at[2])]
        name = f"each of {at[1]}" if at[2] else at[1]
        return f"expected {name} to be {expected(schema)}, got {_shown(msgspec.json.encode(value))}"
    why = ""
    if (field := re.search(r"(unknown|required) field `(.*)`$", told, re.DOTALL)) is not None:
        why = f"there is no field {field[2]!r}: " if field[1] == "unknown" else f"{field[2]} is missing: "
    return f"{why}expected {_fields(kind)}, got {_shown(msgspec.json.encode(said))}"


def _fields(kind: type[msgspec.Struct]) -> str:
    fields = msgspec.structs.fields(kind)
    needed = ", ".join(field.encode_name for field in fields if field.required)
    free = ", ".join(field.encode_name for field in fields if not field.required)
    return f"a JSON object of {needed}{', and if you like ' if needed and free else ''}{free}"


def _shown(body: bytes) -> str:
    text = body.decode(errors="replace")
    return (text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ...") or "nothing"


def _whole(value: Any) -> Any:
    """Return JSON with 5.0 as the 5 that it is: to JSON Schema, and to JavaScript, both are whole."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


async def bytes_of(request: Request, kind: str, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        Problem: It is of another type, or longer than `most` bytes.
    """
    return b"".join([piece async for piece in _pieces(request, kind, most)])


async def saved(
    request: Request,
    kind: str,
    folder: Path,
    place: Callable[[], Path],
    digest: str,
    most: int,
    work: Callable[[Callable[[], None]], Awaitable[None]],
    take: Callable[[int], None],
) -> int:
    """Keep the body of a request as a file whose bytes have a hash; return its size.

    It passes through memory in pieces, and stands under its path whole or not at all.

    Args:
        kind: The content type that must be said.
        folder: Where it is until it is whole; it is made, and must be of the same disk as its place.
        place: Returns its path, once it is whole: what does not come whole leaves nothing behind.
        digest: The SHA-256 of the bytes.
        most: The most bytes that are taken.
        work: Does what writes, in a thread.
        take: Is told of so many more bytes, and may refuse them.

    Raises:
        Problem: It is of another type, longer than `most` bytes, of another hash, or cannot be written.
    """
    spare = folder / f".{digest}.{secrets.token_hex(4)}"
    found, size = hashlib.sha256(), 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with spare.open("wb") as file:

            def keep(piece: bytes) -> None:
                found.update(piece)
                file.write(piece)

            async for piece in _pieces(request, kind, most):
                take(len(piece))
                size += len(piece)
                await work(functools.partial(keep, piece))
        if found.hexdigest() != digest:
            detail = (
                f"expected bytes of the hash {digest}, got {size} of {found.hexdigest()}; "
                "nothing is kept: send them again, or under their own hash"
            )
            raise Problem(400, "Another hash", detail)
        path = place()
        path.parent.mkdir(exist_ok=True)
        os.replace(spare, path)
    except OSError as error:
        detail = f"{error.strerror}: nothing was kept; try again later"
        raise Problem(507, "The file cannot be written", detail) from error
    finally:
        spare.unlink(missing_ok=True)
    return size


async def _pieces(request: Request, kind: str, most: int) -> AsyncIterator[bytes]:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != kind:
        raise Problem(
            415, "Another content type", f"expected the header `Content-Type: {kind}`, got {given!r}"
        )
    size = 0
    async for piece in request.stream():
        if (size := size + len(piece)) > most:
            raise Problem(
                413, "Too long", f"at most {most} bytes are taken at once, got more: send less of it"
            )
        yield piece
