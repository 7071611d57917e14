"""`livecb view`: all runs of a store, in a browser, reached in the way that is asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from livecb.browser import open_browser

if TYPE_CHECKING:
    from livecb.server.launch import Address
    from livecb.store import Store

__all__ = ["FOLDER", "PORT", "store_of", "view"]

FOLDER = click.Path(path_type=Path, file_okay=False)
PORT = click.IntRange(0, 65535)

_FILE = click.Path(dir_okay=False)
_LOOK_SECONDS = 0.5


@click.command()
@click.argument("folder", metavar="[DIR]", type=FOLDER, required=False)
@click.option("--port", type=PORT, help="The port to listen on; the next free one if it is taken. [7117]")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind.")
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="NAME", help="A further name it is reached by."
)
@click.option(
    "--allow-origin",
    "allowed_origins",
    multiple=True,
    metavar="ORIGIN",
    help="A page of another origin that may ask.",
)
@click.option("--ssl-certfile", type=_FILE, help="Serve by HTTPS with this certificate, in PEM.")
@click.option(
    "--ssl-keyfile", type=_FILE, help="The certificate's key, where it stands in a file of its own."
)
@click.option(
    "--ssl-keyfile-password-file",
    type=_FILE,
    help="The file with the key's password. [LIVECB_SSL_KEYFILE_PASSWORD]",
)
@click.option("--path-prefix", metavar="PATH", help="The path before every address, such as /livecb.")
@click.option(
    "--trust-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDR",
    help="A proxy's address or network whose X-Forwarded-* headers are believed. [127.0.0.1, ::1]",
)
@click.option("--insecure", is_flag=True, default=None, help="Let other machines reach it without TLS.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def view(folder: Path | None, port: int | None, no_browser: bool, **asked: Any) -> None:
    """Show all runs of a store, live and finished, until Ctrl-C.

    DIR is the store's folder; LIVECB_DIR, or the user's data folder, if left out. A server of the
    store that is there already is shown, and replaced when it ends.
    """
    import logging
    import time

    from livecb.server import launch, process
    from livecb.server.door import Door
    from livecb.server.serve import serve

    process.prepare()
    store = store_of(folder)
    store.run_ids()  # says what is wrong with the folder before anything listens
    logging.basicConfig(format="livecb: %(message)s", level=logging.WARNING)
    door = Door.of(**asked)

    said: list[str] = []

    def say(address: Address, how: str = "") -> None:
        if (url := address.url()) in said:
            return
        _announce(url, address.port, door.host, how)
        if not no_browser and not said:
            open_browser(url)
        said.append(url)

    named = launch.port_asked(port)
    at = launch.DEFAULT_PORT if named is None else named
    try:
        # One that is reached in another way would not do, and is not found.
        while not serve(store, door=door, port=at, reuse=at != 0, on_ready=say):
            while (address := launch.find(store.root, at, door)) is not None:
                say(address, "already served at ")
                time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        return


def store_of(folder: Path | None) -> Store:
    """Return the store in a folder, or the default one.

    Raises:
        click.BadParameter: There is no such folder.
    """
    from livecb.store import Store

    if folder is not None and not folder.expanduser().is_dir():
        raise click.BadParameter(
            f"no folder {folder}; runs are in the one that LIVECB_DIR names, or `livecb ls` lists"
        )
    return Store(folder)


def _announce(url: str, port: int, host: str, how: str) -> None:
    click.echo(f"livecb: {how}{url}")
    if os.environ.get("SSH_CONNECTION") and host in ("127.0.0.1", "localhost", "::1"):
        import socket

        here = socket.gethostname()
        click.echo(f"livecb: from your machine first: ssh -L {port}:127.0.0.1:{port} {here}")
