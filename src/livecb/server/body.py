"""What a request brings along: JSON of a known shape, or bytes, neither of them without a bound."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.requests import Request

from livecb.server.replies import Problem

__all__ = ["body_of", "bytes_of"]

_T = TypeVar("_T")
_MOST = 256 << 10


async def body_of(request: Request, kind: type[_T]) -> _T:
    """Return the JSON of a request.

    That its type must be said keeps foreign pages out, too: a form or a plain text is all that a browser
    sends to another site without asking it before.

    Raises:
        Problem: It is not said to be JSON, is none of this shape, or is too long.
    """
    body = await bytes_of(request, "application/json", _MOST)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        names = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))  # type: ignore[arg-type]
        detail = f"{error}; expected a JSON object of {names}, got {body[:80]!r}"
        raise Problem(400, "Not understood", detail) from error


async def bytes_of(request: Request, kind: str, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        Problem: It is of another type, or longer than `most` bytes.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != kind:
        raise Problem(
            415, "Another content type", f"expected the header `Content-Type: {kind}`, got {given!r}"
        )
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        if (size := size + len(chunk)) > most:
            raise Problem(413, "Too long", f"at most {most} bytes are taken at once: send less of it")
    return b"".join(chunks)
