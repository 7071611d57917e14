"""A server as a process, or in a thread: uvicorn, told to let go of streams at once.

One process serves one store on one port. It says so in the store when it listens, and goes by itself when
no run of the store lives and nobody has watched for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import uvicorn

from livecb import __version__, lock
from livecb.errors import LivecbError, ServerError
from livecb.server import launch
from livecb.server.app import App
from livecb.server.bounds import HEAD_BYTES, MESSAGE_BYTES, most_connections
from livecb.server.connection import Bounded, http_protocol, websocket_protocol
from livecb.server.door import Door
from livecb.server.forwarded import Forwarded
from livecb.server.pace import IN_A_PROCESS, Pace
from livecb.server.process import prepare
from livecb.server.token import token_of
from livecb.store import Store, StoredRun

__all__ = ["Server", "bind", "configure", "serve"]

_PORTS = 100
_GOODBYE_SECONDS = 0.3
_DECIDE_SECONDS = 15.0
_LOOK_SECONDS = 5.0

OnReady = Callable[[launch.Address], object]

_log = logging.getLogger("livecb.server")


class Server(uvicorn.Server):
    """uvicorn that ends open streams before it waits for them.

    Args:
        linger: Seconds after which it goes when no run lives and nobody watches; None to stay.

    Attributes:
        ready: Set when it listens.
    """

    def __init__(self, config: uvicorn.Config, app: App, linger: float | None = None) -> None:
        super().__init__(config)
        self.app = app
        self.ready = threading.Event()
        self._linger = linger
        self._needed = time.monotonic()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye to all viewers, cut off those that do not read, and stop; within a second."""
        for server in self.servers:
            server.close()
        self.app.close()
        until = time.monotonic() + _GOODBYE_SECONDS
        while self.app.hub.watched and time.monotonic() < until:
            await asyncio.sleep(0.01)
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None and transport.get_write_buffer_size():
                transport.abort()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop: asked ten times a second."""
        if counter % 10 == 0:
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Bounded):
                    connection.late(now)
            if self._linger is not None and await self._is_unneeded(self._linger):
                _log.info("no run lives and nobody watched for %g s: stopping", self._linger)
                return True
        return await super().on_tick(counter)

    async def _is_unneeded(self, linger: float) -> bool:
        now = time.monotonic()
        if self.app.hub.watched:
            self._needed = now
        self._needed = max(self._needed, self.app.hub.last_seen)
        if now - self._needed < linger:
            return False
        if await asyncio.to_thread(_any_alive, self.app.hub.store):
            self._needed = now - max(0.0, linger - _LOOK_SECONDS)
            return False
        return True

    def run_in_thread(self, sock: socket.socket) -> None:
        """Serve until `should_exit`, in a thread that has no event loop yet."""
        self.run(sockets=[sock])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that asked to stop has had its effect: the exit code is 0."""
        with super().capture_signals():
            try:
                yield
            finally:
                getattr(self, "_captured_signals", []).clear()


def _any_alive(store: Store) -> bool:
    try:
        return any(StoredRun(store.root / run).alive() for run in reversed(store.run_ids()))
    except LivecbError:
        return False  # the store is gone


def configure(
    store: Store, door: Door | None = None, token: str | None = None, pace: Pace = IN_A_PROCESS
) -> tuple[uvicorn.Config, App]:
    """Return how uvicorn is to run the app over a store."""
    door = Door.of() if door is None else door
    app = App(store, token or token_of(store), door.allowed_hosts, door.allowed_origins, door.host, pace)
    config = uvicorn.Config(
        Forwarded(app, door.path_prefix, door.trusted_proxies),
        host=door.host,
        lifespan="off",
        log_config=None,
        server_header=False,
        proxy_headers=False,
        http=http_protocol(),
        ws=websocket_protocol(),
        # A viewer's lines are compressed for each viewer anew: it costs several times what all the rest does.
        ws_per_message_deflate=False,
        ws_max_size=MESSAGE_BYTES,
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=most_connections(alone=pace is IN_A_PROCESS),
        timeout_graceful_shutdown=1,
        backlog=2048,
        ssl_certfile=door.certfile,
        ssl_keyfile=door.keyfile,
        ssl_keyfile_password=door.password() or None,
    )
    return config, app


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port, or to the next free one.

    Raises:
        ServerError: There is none, or the host is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][
            0
        ]
    except OSError as error:
        raise ServerError(
            f"cannot bind {host!r}: {error}; use 127.0.0.1, 0.0.0.0 or an address of this machine"
        ) from error
    for candidate in range(port, min(port + _PORTS, 65536)):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, candidate))
            sock.listen(2048)
        except OSError as error:
            sock.close()
            if error.errno in (errno.EADDRINUSE, errno.EACCES) and port != 0:
                continue
            raise ServerError(f"cannot bind {host}:{candidate}: {error.strerror}") from error
        sock.set_inheritable(False)
        return sock
    raise ServerError(f"no free port between {port} and {port + _PORTS - 1}; name another with --port")


class Registration:
    """What tells others where the store's server is, while it lives."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path: Path | None = None
        self._lock: lock.WriterLock | None = None

    def enter(self, address: launch.Address, asked: int, door: str = "") -> None:
        """Say that a server listens.

        Raises:
            OSError: The store cannot be written; then nobody will find the server by the store.
        """
        port = address.port
        self._lock = lock.WriterLock(launch.lock_path(self._root, port))
        if not self._lock.acquire():
            raise ServerError(
                f"a server of this store claims port {port}, which is free: remove {self._lock.path}"
            )
        self._path = launch.registry_path(self._root, port)
        me = launch.Registered(
            os.getpid(),
            address.host,
            port,
            asked,
            time.time(),
            __version__,
            address.token,
            address.scheme,
            address.prefix,
            address.shown,
            door,
        )
        spare = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            with open(os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(me) + b"\n")
            os.replace(spare, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                spare.unlink(missing_ok=True)
            raise

    def leave(self) -> None:
        """Take it back."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()


@contextlib.contextmanager
def deciding(root: Path) -> Iterator[None]:
    """Hold the lock under which servers of a store are started, one at a time."""
    starting = lock.WriterLock(root / ".server.lock")
    until = time.monotonic() + _DECIDE_SECONDS
    while not starting.acquire() and time.monotonic() < until:
        time.sleep(0.05)
    try:
        yield
    finally:
        starting.release()


def serve(
    store: Store,
    *,
    door: Door | None = None,
    port: int = launch.DEFAULT_PORT,
    linger: float | None = None,
    token: str | None = None,
    reuse: bool = False,
    on_ready: OnReady | None = None,
) -> bool:
    """Serve a store until a signal, or until nobody needs it for `linger` seconds.

    Args:
        door: How it is reached; as the environment says, if left out.
        reuse: Start nothing if a server of this store, which was asked to take this port and is reached in
            this way, is there already.
        on_ready: Called as soon as it listens.

    Returns:
        Whether it served.

    Raises:
        ServerError: It cannot listen, or must not: other machines could reach it in the clear. Or it cannot
            say in the store where it is, and there is no `on_ready` to be told: it would live on, and nobody
            would find it.
    """
    door = Door.of() if door is None else door
    door.check(port)
    root = store.root.absolute()
    with contextlib.suppress(OSError):
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    registration = Registration(root)
    prepare()
    with deciding(root) if os.access(root, os.W_OK) else contextlib.nullcontext():
        if reuse and launch.find(root, port, door) is not None:
            return False
        sock = bind(door.host, port)
        taken = sock.getsockname()[1]
        if port not in (0, taken):
            _log.warning("port %d is in use; using %d", port, taken)
        server = Server(*configure(store, door, token), linger=linger)
        address = launch.Address.of(door, taken, server.app.token)
        try:
            registration.enter(address, port, door.key)
        except OSError as error:
            if reuse and on_ready is None:
                sock.close()
                registration.leave()
                raise ServerError(
                    f"cannot write to {root} ({error}): nobody would find this server; make room there"
                ) from error
            _log.warning("cannot write to %s (%s): nobody will find this server by the store", root, error)
    try:
        if on_ready is not None:
            on_ready(address)
        server.run(sockets=[sock])
    finally:
        registration.leave()
    return True
