"""Finding a store's server, or starting one: for whoever wants a run to be watched.

A server that listens says so in the store (`.server-PORT.json`) and holds a lock beside it while it lives,
so that what a dead one left behind misleads nobody. This module runs in trainings: it imports neither
Starlette nor uvicorn.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from livecb import lock
from livecb.errors import ServerError
from livecb.server.door import LOOPBACK, WILDCARD, Door
from livecb.server.launched import Launched
from livecb.store import Store

__all__ = [
    "DEFAULT_PORT",
    "LINGER",
    "Address",
    "ThreadServer",
    "ensure",
    "find",
    "registered",
    "start_process",
    "wait_ready",
]

DEFAULT_PORT = 7117
LINGER = 300.0
"""Seconds a server stays when no run of its store lives and nobody watches."""

_START_SECONDS = 20.0
_LOG_BYTES = 1 << 20


class Registered(msgspec.Struct, frozen=True):
    """What a server says of itself in the store.

    Attributes:
        asked: The port it was asked to take, when something else had it.
        token: What opens it; the file is its owner's alone.
        scheme: `http` or `https`.
        prefix: The path before its addresses.
        shown: The host in the address that people are shown.
        door: What tells how it is reached from other ways; empty for the plain one.
    """

    pid: int
    host: str
    port: int
    asked: int
    started: float
    version: str
    token: str | None
    scheme: str = "http"
    prefix: str = ""
    shown: str = ""
    door: str = ""


class Address(msgspec.Struct, frozen=True):
    """Where a server is, and what opens it."""

    host: str
    port: int
    token: str | None
    scheme: str = "http"
    prefix: str = ""
    shown: str = ""

    @classmethod
    def of(cls, door: Door, port: int, token: str | None) -> Address:
        """Return the address of a server that is reached in a certain way."""
        return cls(door.host, port, token, door.scheme, door.path_prefix, door.shown)

    def url(self, run_id: str | None = None) -> str:
        """Return the address of the list of runs, or of one run, with the token in it."""
        host = self.shown or ("127.0.0.1" if self.host in WILDCARD else self.host)
        name = f"[{host}]" if ":" in host else host
        page = f"r/{quote(run_id)}" if run_id else ""
        token = f"?token={quote(self.token)}" if self.token else ""
        return f"{self.scheme}://{name}:{self.port}{self.prefix}/{page}{token}"


def port_asked(port: int | None) -> int | None:
    """Return the port that was asked for: the given one, else `LIVECB_PORT`.

    Raises:
        ServerError: `LIVECB_PORT` is no port.
    """
    if port is not None:
        return port
    word = os.environ.get("LIVECB_PORT")
    if not word:
        return None
    if not word.isdecimal() or int(word) > 65535:
        raise ServerError(f"expected LIVECB_PORT to be a port between 0 and 65535, got {word!r}")
    return int(word)


def find(root: str | os.PathLike[str], port: int | None = None, door: Door | None = None) -> Address | None:
    """Return where a living server of this store is.

    Args:
        port: Only the one that was asked to take this port.
        door: Only one that is reached in this way; by this machine at least, if left out.
    """
    root, door = Path(root), Door() if door is None else door
    for server in sorted(registered(root), key=lambda it: it.started):
        if port in (None, 0, server.port, server.asked) and _serves(server, door):
            return Address(server.host, server.port, server.token, server.scheme, server.prefix, server.shown)
    return None


def ensure(
    root: str | os.PathLike[str],
    *,
    door: Door | None = None,
    port: int | None = None,
    linger: float | None = None,
    timeout: float = _START_SECONDS,
) -> Address:
    """Return where the store's server is, and start it if there is none.

    Raises:
        ServerError: It could not be started, or was not ready in time.
    """
    port = port_asked(port)
    door = Door.of() if door is None else door
    if (address := find(root, port, door)) is not None:
        return address
    launched = start_process(root, door=door, port=port, linger=linger)
    return wait_ready(launched, root, port, door, timeout=timeout)


def start_process(
    root: str | os.PathLike[str],
    *,
    door: Door | None = None,
    port: int | None = None,
    linger: float | None = None,
) -> Launched:
    """Start a server in a process of its own, which is nobody's child.

    Two that are started at once end with one server.

    Args:
        door: How it is reached; as the environment says, if left out.

    Raises:
        ServerError: The process cannot be started.
    """
    root, door = Path(root).absolute(), Door.of() if door is None else door
    port = port_asked(port)
    command = [sys.executable, "-m", "livecb.server", "--dir", os.fspath(root)]
    command += ["--door", msgspec.json.encode(door).decode()]
    command += ["--port", str(DEFAULT_PORT if port is None else port)]
    command += ["--linger", str(LINGER if linger is None else linger), "--detach"]
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _open_log(root) as log:
            # Not in the training's folder: its `token.py` or `types.py` would be imported there.
            return Launched(command, cwd=root, env=_environment(), log=log)
    except OSError as error:
        raise ServerError(f"cannot start {' '.join(command)}: {error}") from error


def wait_ready(
    launched: Launched,
    root: str | os.PathLike[str],
    port: int | None = None,
    door: Door | None = None,
    *,
    timeout: float = _START_SECONDS,
) -> Address:
    """Return where the store's server is as soon as it listens.

    Raises:
        ServerError: The process ended without one, or it takes too long; then the process is ended.
    """
    deadline = time.monotonic() + timeout
    pause = 0.02
    while True:
        ended = launched.ended()  # asked before: one that ends may have found another, or have been it
        if (address := find(root, port, door)) is not None:
            launched.let_go()
            return address
        if ended:
            launched.let_go()
            raise ServerError(f"the server ended: {_last_line(Path(root))}; {log_path(Path(root))} says more")
        if time.monotonic() > deadline:
            launched.end()  # one that nobody finds would stay, and the next try would add another
            raise ServerError(
                f"the server did not answer within {timeout:g} s; {log_path(Path(root))} may say why"
            )
        time.sleep(pause)


class ThreadServer:
    """A server in a thread of this process: for notebooks and tests, where no process should outlive this
    one.

    Attributes:
        address: Where it is; None until it is started.
    """

    def __init__(
        self, store: Store, door: Door | None = None, port: int | None = None, token: str | None = None
    ) -> None:
        self.address: Address | None = None
        self._store = store
        self._door = Door.of() if door is None else door
        self._port = port
        self._token = token
        self._thread: threading.Thread | None = None
        self._server: object = None

    def start(self, timeout: float = _START_SECONDS) -> Address:
        """Begin to listen, on the next free port if the asked one is taken.

        Raises:
            ServerError: It cannot, or not in time.
        """
        from livecb.server.pace import IN_A_THREAD
        from livecb.server.serve import Server, bind, configure

        if self.address is not None:
            return self.address
        asked = port_asked(self._port)
        port = DEFAULT_PORT if asked is None else asked
        self._door.check(port)
        sock = bind(self._door.host, port)
        server = Server(*configure(self._store, self._door, self._token, IN_A_THREAD))
        self._server = server
        self._thread = threading.Thread(
            target=server.run_in_thread, args=(sock,), name="livecb-server", daemon=True
        )
        self._thread.start()
        if not server.ready.wait(timeout):
            raise ServerError(f"the server in a thread did not listen within {timeout:g} s")
        self.address = Address.of(self._door, sock.getsockname()[1], server.app.token)
        return self.address

    def stop(self, timeout: float = 5.0) -> None:
        """Say goodbye to all viewers and stop; harmless when it does not run."""
        if self._thread is None:
            return
        from livecb.server.serve import Server

        assert isinstance(self._server, Server)
        self._server.should_exit = True
        self._thread.join(timeout)
        self._thread = self.address = self._server = None


def registered(root: Path) -> list[Registered]:
    """Return what the living servers of a store say of themselves."""
    found = []
    for path in root.glob(".server-*.json"):
        try:
            server = msgspec.json.decode(path.read_bytes(), type=Registered)
            held = lock_path(root, server.port)
            # The lock may be a later server's, which has not said yet where it is.
            holder = msgspec.json.decode(held.read_bytes().partition(b"\n")[0], type=lock.Holder)
        except (OSError, msgspec.DecodeError):
            continue
        if holder.pid == server.pid and lock.is_held(held):
            found.append(server)
    return found


def registry_path(root: Path, port: int) -> Path:
    """Return the file in which a server on this port says where it is."""
    return root / f".server-{port}.json"


def lock_path(root: Path, port: int) -> Path:
    """Return the file whose lock a server on this port holds while it lives."""
    return root / f".server-{port}.lock"


def log_path(root: Path) -> Path:
    """Return the file that servers of this store write their troubles into."""
    return root / ".server.log"


def _serves(server: Registered, door: Door) -> bool:
    reached = server.host == door.host or (door.host in LOOPBACK and server.host in (*LOOPBACK, *WILDCARD))
    return reached and door.key in ("", server.door)


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    paths = [os.path.abspath(path) for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    here = os.fspath(Path(__file__).resolve().parents[2])
    if "site-packages" not in here and "dist-packages" not in here:
        paths.append(here)  # livecb may be known to the training by its folder only
    if paths:
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def _open_log(root: Path) -> BinaryIO:
    try:
        path = log_path(root)
        return path.open("wb" if path.exists() and path.stat().st_size > _LOG_BYTES else "ab")
    except OSError:
        return open(os.devnull, "wb")


def _last_line(root: Path) -> str:
    try:
        lines = log_path(root).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
    except OSError:
        return "it left no log"
