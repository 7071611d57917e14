"""Notebook: a run's page in a frame under a cell, in Jupyter, VS Code and Colab.

The law: what is kept in a notebook's file opens nothing for long. Its frame brings a token of its own, to
read one run, which ends with the kernel that made it.
"""

from __future__ import annotations

import atexit
import contextlib
import html
import json
import os
import secrets
import shlex
import socket
import sys
import time
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from livecb import listing
from livecb.endings import live_run
from livecb.errors import LivecbError, ServerError
from livecb.lookup import LATEST, find_run
from livecb.store import Store, StoredRun

if TYPE_CHECKING:
    from livecb.server.launch import Address
    from livecb.server.tokens import Tokens

__all__ = ["Frame", "load_ipython_extension", "magic", "show"]

HEIGHT = 600
_SECONDS = 24 * 3600.0
_HTML = Path(__file__).with_name("notebook.html")
_USAGE = "expected %livecb [RUN] [--height PIXELS] [--control] [--dir DIR]"


class Frame:
    """A run's page as a notebook shows it.

    Args:
        run: The run.
        height: Pixels.
        control: Whether it may be steered from there, too.

    Raises:
        ValueError: The height is none.
    """

    def __init__(self, run: StoredRun, height: int = HEIGHT, control: bool = False) -> None:
        if not isinstance(height, int) or not 100 <= height <= 10_000:
            raise ValueError(f"expected a height between 100 and 10000 pixels, got {height!r}")
        self._run, self._height, self._control = run, height, control

    def __repr__(self) -> str:
        return _told(self._run)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows: the page, and how the run stands where no page can be had."""
        told = _told(self._run)
        try:
            shown = self._page(told)
        except (LivecbError, OSError) as error:
            shown = f"<p>{html.escape(told)}</p><p>{html.escape(f'no page: {error}')}</p>"
        return {"text/plain": told, "text/html": shown}

    def _page(self, told: str) -> str:
        address = _served(self._run)
        token = _token(self._run, self._control) if address.token else None
        query = f"?token={quote(token)}" if token else ""
        given = {
            "id": f"livecb-{secrets.token_hex(6)}",
            "scheme": address.scheme,
            "host": address.shown or address.host,
            "machine": socket.gethostname(),
            "port": address.port,
            "prefix": address.prefix,
            "base": _base(address),
            "path": f"r/{quote(self._run.id)}{query}",
            "height": self._height,
        }
        # Within a script only `</` and `<!--` would be more than text.
        words = json.dumps(given).replace("<", "\\u003c")
        return Template(_HTML.read_text(encoding="utf-8")).substitute(
            given=words, id=given["id"], told=html.escape(told)
        )


def show(run: Any = None, *, height: int = HEIGHT, control: bool = False) -> None:
    """Show a run's page under this cell; outside of a notebook, print how it stands and its address.

    The page is that of the store's server, which is started if there is none, and ends by itself.

    Args:
        run: A `Run`, or what `livecb tail` takes: an id, a name, `latest`. The run begun last in this
            process, else the latest one, if None.
        height: Pixels.
        control: Let the page steer the run, too; else it is to look at.

    Raises:
        RunNotFound: There is none.
        ValueError: The height is none, or the run records nothing.
    """
    frame = Frame(_meant(run), height, control)
    if _in_notebook():
        from IPython.display import display

        display(frame)  # type: ignore[no-untyped-call]
        return
    print(frame)
    try:
        print(_served(frame._run).url(frame._run.id))
    except ServerError as error:
        print(f"no page: {error}")


def magic(line: str) -> None:
    """Show a run: `%livecb [RUN] [--height PIXELS] [--control] [--dir DIR]`."""
    words = shlex.split(line)
    asked: dict[str, Any] = {"height": HEIGHT, "control": False}
    folder, run = None, None
    while words:
        word = words.pop(0)
        if word == "--control":
            asked["control"] = True
        elif word == "--height" and words and words[0].isdecimal():
            asked["height"] = int(words.pop(0))
        elif word == "--dir" and words:
            folder = words.pop(0)
        elif not word.startswith("-") and run is None:
            run = word
        else:
            raise ValueError(f"{_USAGE}, got {line!r}")
    show(run if folder is None else find_run(Store(folder), run or LATEST), **asked)


def load_ipython_extension(shell: Any) -> None:
    """Make `%livecb` known, as `%load_ext livecb` asks."""
    shell.register_magic_function(magic, "line", "livecb")


def _meant(run: Any) -> StoredRun:
    from livecb.latest import current

    if isinstance(run, StoredRun):
        return run
    if run is None and (run := current()) is None:
        run = LATEST
    if isinstance(run, str):
        return find_run(Store(), run)
    if (folder := getattr(run, "folder", None)) is None:
        raise ValueError(f"expected a run that is recorded, or its id or name, got {run!r}")
    return StoredRun(folder)


def _told(run: StoredRun) -> str:
    """Return how a run stands now, as one line."""
    now = time.time()
    try:
        _, name, status, progress, _, values = listing.cells(listing.row(run), now)
    except (LivecbError, OSError) as error:
        return f"livecb: {run.id}: {error}"
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(now))
    told = [f"livecb: {name or run.id}: {status}", progress, values, f"({at})"]
    return "   ".join(word for word in told if word != "-")


def _served(run: StoredRun) -> Address:
    """Return the server that the run has of itself in this process, else the store's, started if need be.

    Raises:
        ServerError: It could not be started.
    """
    from livecb.server import launch

    live = live_run(run.id)
    if live is None or (url := live.url) is None:
        return launch.ensure(run.folder.parent)
    parts = urlsplit(url)
    prefix, _, _ = parts.path.rpartition("/r/")
    token = parse_qs(parts.query).get("token", [None])[0]
    host, port = parts.hostname or "127.0.0.1", parts.port or launch.DEFAULT_PORT
    return launch.Address(host, port, token, parts.scheme, prefix, host)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _base(address: Address) -> str | None:
    """Return where the viewer's browser finds the server, if the kernel knows: behind a hub it does."""
    named = os.environ.get("LIVECB_PROXY_URL")
    if named:
        return named.replace("%PORT%", str(address.port)).rstrip("/") + "/"
    hub = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    return f"{hub.rstrip('/')}/proxy/{address.port}/" if hub else None


_tokens: dict[tuple[str, bool], tuple[str, float]] = {}


def _token(run: StoredRun, control: bool) -> str:
    """Return the secret that opens one run until this process ends; one for all cells, anew after half a day.

    Raises:
        StoreError: It cannot be written.
    """
    from livecb.server.access import Role
    from livecb.server.tokens import Tokens

    key, now = (os.fspath(run.folder), control), time.time()
    if (known := _tokens.get(key)) is not None and now < known[1]:
        return known[0]
    tokens, name = Tokens(Store(run.folder.parent)), f"notebook-{secrets.token_hex(4)}"
    role = Role.CONTROL if control else Role.VIEW
    made = tokens.make(name, role, run=run.id, seconds=_SECONDS, by="notebook", share=True)
    _tokens[key] = made.secret, now + _SECONDS / 2
    atexit.register(_revoke, tokens, name, os.getpid())
    return made.secret


def _revoke(tokens: Tokens, name: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked worker's end is not the kernel's
        with contextlib.suppress(LivecbError):
            tokens.revoke(name)
