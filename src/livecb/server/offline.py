"""A run as one HTML file: the page, and in it what a server would have answered.

Whoever has the file sees the run as it was when the file was made, in any browser, on no network. What would
make it larger than it may be is left out by a rule that the file tells: curves and pictures are thinned over
the whole run, of texts the last ones stay.
"""

from __future__ import annotations

import base64
import gzip
import html
import time
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import msgspec

from livecb.errors import ServerError
from livecb.server.files import type_of_file
from livecb.server.frames import dump
from livecb.server.gathered import Gathered
from livecb.server.index import Index
from livecb.server.pages import STATIC
from livecb.store import StoredRun

__all__ = ["LIMIT", "Copy", "write_copy"]

LIMIT = 25_000_000
"""Bytes that a file may have, where nobody says otherwise."""

_PLACE = "<!-- the run -->"
_THIN, _SMALLEST = 1 / 32, 1 / 64
_FRAME = 4_000  # bytes around what is told


class Copy(NamedTuple):
    """What became of a run that was written to a file.

    Attributes:
        size: The file's bytes.
        left: What was left out, a sentence each.
    """

    size: int
    left: list[str]


def write_copy(
    run: StoredRun, file: BinaryIO, *, limit: int = LIMIT, stop: Callable[[], bool] = bool
) -> Copy:
    """Write a run as one HTML file that needs no server and no network.

    Args:
        run: The run.
        file: Where to.
        limit: The bytes it may have; what is beyond is left out, and told.
        stop: Whether to give up.

    Raises:
        ServerError: This installation has no page, or the limit is too small for the least there is.
        LogError: The log cannot be read.
    """
    head, tail = _page()
    at = time.time()
    share, index = 1.0, Index(run)
    try:
        while True:
            gathered = Gathered(index, share, stop)
            room = limit - _FRAME - len(head) - len(tail) - _packed_size(gathered.texts) - gathered.media_size
            # Curves are thinned rather than most pictures left out, but not for ever.
            wanted = min(gathered.files_size(), limit * 2 // 5) if share > _THIN else 0
            if room >= wanted:
                break
            share /= 2
            if share < _SMALLEST:
                least = limit - room
                raise ServerError(
                    f"run {run.id} takes at least {least:,} bytes as HTML, got a limit of {limit:,}"
                )
        files = gathered.fit(room)
    finally:
        index.close()
    name = msgspec.json.decode(gathered.texts["state"])["name"]
    words = {"run": run.id, "at": at, "left": gathered.left}
    written = 0

    def put(text: str) -> None:
        nonlocal written
        written += file.write(text.encode())

    put(head.replace("<title>livecb</title>", f"<title>{html.escape(name)} — livecb</title>"))
    put(_block("copied", "application/json", dump(words).decode().replace("<", "\\u003c")))
    put(_block("held", "text/plain", _packed(gathered.texts)))
    for digest in files:
        path = run.file_path(digest)
        content = base64.b64encode(path.read_bytes()).decode()
        put(_block(f"file-{digest}", "text/plain", content, f' data-type="{type_of_file(path)}"'))
    put(tail)
    return Copy(written, gathered.left)


def _page() -> tuple[str, str]:
    try:
        page = (STATIC / "copy.html").read_text(encoding="utf-8")
    except OSError:
        raise ServerError(
            "the page was not built into this installation, so there is nothing to put a run into; "
            "`make page` builds it in a source tree, and --jsonl, --csv and --parquet need none"
        ) from None
    head, _, tail = page.partition(_PLACE)
    return head, tail


def _packed(texts: dict[str, bytes]) -> str:
    whole = b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), text) for name, text in texts.items())
    return base64.b64encode(gzip.compress(whole, 6, mtime=0)).decode()


def _packed_size(texts: dict[str, bytes]) -> int:
    return len(_packed(texts))


def _block(name: str, kind: str, content: str, more: str = "") -> str:
    return f'<script type="{kind}" id="{name}"{more}>{content}</script>\n'
