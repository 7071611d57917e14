"""`python -m livecb.server`: a store's server as a process of its own."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from livecb.errors import LivecbError
from livecb.server import launch
from livecb.server.process import detach, hear_signals, log_into
from livecb.store import Store


@click.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="The store's folder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind.")
@click.option("--port", type=click.IntRange(0, 65535), default=launch.DEFAULT_PORT, show_default=True)
@click.option("--linger", type=click.FloatRange(min=0), help="Seconds to stay unneeded; else for ever.")
@click.option("--allow-host", "hosts", multiple=True, help="A further name this server goes by.")
@click.option("--detach", "detached", is_flag=True, help="Go on as nobody's child.")
def main(
    folder: Path | None, host: str, port: int, linger: float | None, hosts: tuple[str, ...], detached: bool
) -> None:
    """Serve the runs of a store; end at once if a server of it is there already."""
    hear_signals()
    if detached:
        detach()
    # Not before: what is imported takes time, in which the first process is still somebody's child.
    from livecb.server.serve import serve

    store = Store(folder)
    log_into(store.root)
    try:
        serve(store, host=host, port=port, linger=linger, allowed_hosts=hosts, reuse=True)
    except LivecbError as error:
        logging.getLogger("livecb.server").error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
