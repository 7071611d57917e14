"""Files of a run on their way to a browser: their type by how they begin, and no right to do anything."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from livecb.server.replies import Problem, error_response

__all__ = ["FileAnswer", "attached", "headers_of", "type_of_file"]

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp"}

# What a training stored is shown, never run: an SVG or HTML opened by itself gets an origin of its own, no
# scripts and no network.
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'"


class FileAnswer(FileResponse):
    """A file, or the bytes of it that were asked for; what cannot be given is a problem as everywhere.

    A range that is none is not heeded, as RFC 9110 has it.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        refused: Message | None = None

        async def telling(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = message
            if refused is None:
                await send(message)

        try:
            await super().__call__(scope, receive, telling)
            if refused is not None and refused["status"] == 400:
                refused = None
                headers = [pair for pair in scope["headers"] if pair[0] != b"range"]
                await super().__call__({**scope, "headers": headers}, receive, telling)
        except RuntimeError as error:  # it went since it was looked up
            problem = Problem(404, "No such file", f"{error}; it went just now: ask for what there is anew")
            await error_response(problem, scope)(scope, receive, send)
            return
        if refused is not None:
            await error_response(_refusal(refused, scope), scope)(scope, receive, send)


def _refusal(message: Message, scope: Scope) -> Problem:
    asked = dict(scope["headers"]).get(b"range", b"").decode("latin-1")
    size = dict(message["headers"]).get(b"content-range", b"").decode("latin-1")
    most = size.rpartition("/")[2]
    detail = f"expected a range within the file's {most} bytes, such as `bytes=0-99`, got {asked!r}"
    return Problem(416, "Nothing in that range", detail, headers={"content-range": size})


def type_of_file(path: Path) -> str:
    """Return the media type of a file by its first bytes.

    The store keeps bytes by their hash alone; names and types stand in events, and what a browser may do
    with a file should not depend on what an event claims.
    """
    with path.open("rb") as file:
        head = file.read(512)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "application/octet-stream")
    if head[4:8] == b"ftyp":
        return "video/mp4"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<svg") or (
        text.startswith((b"<?xml", b"<!DOCTYPE svg", b"<!--")) and b"<svg" in head
    ):
        return "image/svg+xml"
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # else a character was cut in two
            return "application/octet-stream"
    return "application/octet-stream" if b"\0" in head else "text/plain; charset=utf-8"


def headers_of(name: str | None) -> dict[str, str]:
    """Return the headers of a file, to be saved under a name if one is given."""
    headers = {
        "cache-control": "private, max-age=31536000, immutable",
        "content-security-policy": _SANDBOX,
    }
    return {**headers, **attached(name)} if name else headers


def attached(name: str) -> dict[str, str]:
    """Return the header that has an answer saved under a name."""
    return {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
