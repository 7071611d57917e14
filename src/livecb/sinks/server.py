"""A sink that serves the run to browsers and programs.

The server is a process of its own, shared by all runs of the store; this sink only finds it, or
starts it, keeps it alive while the run lives, and prints the address once. Nothing of this happens
on the training thread.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from livecb.errors import ServerError, warn
from livecb.logs.base import START
from livecb.sinks.base import Sink
from livecb.store import StoredRun

if TYPE_CHECKING:
    from livecb.server.door import Door
    from livecb.server.launch import Address, ThreadServer

__all__ = ["Server"]

_CHECK_SECONDS = 1.0
_RETRY_SECONDS = 60.0
_URL_SECONDS = 15.0


class Server(Sink):
    """Serves the store's runs while this run lives.

    Args:
        port: The port to listen on (`LIVECB_PORT`); the next free one if it is taken.
        host: The address to bind; loopback if left out. One that other machines reach needs a certificate,
            or `insecure=True`: else the run is served on this machine only, with a warning.
        mode: `"process"`, or `"thread"` for notebooks and tests, where no process should outlive.
        linger: Seconds the process stays when no run lives and nobody watches.
        quiet: Print no address.
        allowed_hosts: Further names it is reached by (`LIVECB_ALLOWED_HOSTS`).
        allowed_origins: Pages of other origins that may ask (`LIVECB_ALLOWED_ORIGINS`).
        ssl_certfile: The certificate to serve by HTTPS with (`LIVECB_SSL_CERTFILE`).
        ssl_keyfile: Its key (`LIVECB_SSL_KEYFILE`); a password stands in `LIVECB_SSL_KEYFILE_PASSWORD`, or
            in the file that `LIVECB_SSL_KEYFILE_PASSWORD_FILE` names.
        path_prefix: The path before every address (`LIVECB_PATH_PREFIX`).
        trusted_proxies: Proxies whose `X-Forwarded-*` headers are believed (`LIVECB_TRUSTED_PROXIES`).
        insecure: Let other machines reach it without TLS (`LIVECB_INSECURE`).
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        host: str = "127.0.0.1",
        mode: Literal["process", "thread"] = "process",
        linger: float | None = None,
        quiet: bool = False,
        allowed_hosts: Sequence[str] = (),
        allowed_origins: Sequence[str] = (),
        ssl_certfile: str | os.PathLike[str] | None = None,
        ssl_keyfile: str | os.PathLike[str] | None = None,
        path_prefix: str | None = None,
        trusted_proxies: Sequence[str] = (),
        insecure: bool | None = None,
    ) -> None:
        if mode not in ("process", "thread"):
            raise ValueError(f"expected mode to be 'process' or 'thread', got {mode!r}")
        self._port = port
        self._mode = mode
        self._linger = linger
        self._quiet = quiet
        self._asked: dict[str, Any] = {
            "host": host,
            "allowed_hosts": allowed_hosts,
            "allowed_origins": allowed_origins,
            "ssl_certfile": ssl_certfile,
            "ssl_keyfile": ssl_keyfile,
            "path_prefix": path_prefix,
            "trusted_proxies": trusted_proxies,
            "insecure": insecure,
        }
        self._door: Door | None = None
        self._run: StoredRun | None = None
        self._address: Address | None = None
        self._thread_server: ThreadServer | None = None
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._keeper: threading.Thread | None = None
        self._pause = _CHECK_SECONDS
        self._warned = False

    def __getstate__(self) -> dict[str, object]:
        return {
            "port": self._port,
            "mode": self._mode,
            "linger": self._linger,
            "quiet": self._quiet,
            **self._asked,
        }

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def attach(self, run: StoredRun, since: str = START) -> None:
        self._run = run
        self._ended, self._ready = threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="livecb-server", daemon=True)
        self._keeper.start()

    def detach(self, timeout: float) -> None:
        # A short run may end before its server is up; who opens the address then must find it.
        self._ready.wait(timeout)
        self._ended.set()
        if self._keeper is not None:
            self._keeper.join(timeout)
        if self._thread_server is not None:
            self._thread_server.stop()
            self._thread_server = None

    def url(self) -> str | None:
        """Return the address of the run's page, with the token; waits until the server answers."""
        self._ready.wait(_URL_SECONDS)
        if self._address is None or self._run is None:
            return None
        return self._address.url(self._run.id)

    def _keep(self) -> None:
        try:
            self._start()
            self._announce()
            self._ready.set()
            while not self._ended.wait(self._pause):
                if self._mode == "process":
                    self._revive()
        except Exception as error:
            warn(f"this run is recorded, but not served: {error}. `livecb view` will show it")
        finally:
            self._ready.set()

    def _start(self) -> None:
        from livecb.server import launch

        assert self._run is not None
        root = self._run.folder.parent
        door = self._door = self._safe_door()
        if self._mode == "thread":
            from livecb.store import Store

            self._thread_server = launch.ThreadServer(Store(root), door, self._port)
            self._thread_server.start()
            self._address = self._thread_server.address
            return
        self._address = launch.ensure(root, door=door, port=self._port, linger=self._linger)

    def _safe_door(self) -> Door:
        """Return how the server is reached: as asked, or by this machine only where that is not safe."""
        from livecb.server import launch
        from livecb.server.door import Door

        try:
            door = Door.of(**self._asked)
            door.check(launch.port_asked(self._port) or launch.DEFAULT_PORT)
        except ServerError as error:
            warn(f"this run is served on this machine only: {error}")
            return Door()
        return door

    def _revive(self) -> None:
        """Start the server again, on its port, if it died: open pages come back by themselves."""
        from livecb.server import launch

        assert self._run is not None
        assert self._address is not None
        root = self._run.folder.parent
        if launch.find(root, self._address.port) is None:
            try:
                self._address = launch.ensure(
                    root, door=self._door, port=self._address.port, linger=self._linger
                )
            except ServerError as error:
                if not self._warned:
                    warn(f"the server is gone and could not be started again: {error}")
                self._warned = True
                self._pause = min(2 * self._pause, _RETRY_SECONDS)
                return
        self._warned, self._pause = False, _CHECK_SECONDS

    def _announce(self) -> None:
        if self._quiet or self._address is None or self._run is None:
            return
        print(f"livecb: {self._address.url(self._run.id)}", file=sys.stderr, flush=True)
        if os.environ.get("SSH_CONNECTION") and self._address.host in ("127.0.0.1", "localhost", "::1"):
            port = self._address.port
            print(
                f"livecb: from your machine first: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}",
                file=sys.stderr,
            )
