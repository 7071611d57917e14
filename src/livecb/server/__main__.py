"""`python -m livecb.server`: a store's server as a process of its own."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click
import msgspec

from livecb.errors import LivecbError
from livecb.server import launch
from livecb.server.door import Door
from livecb.server.process import detach, hear_signals, log_into
from livecb.store import Store


@click.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="The store's folder.")
@click.option("--door", "way", help="How it is reached, as JSON; as the environment says, if left out.")
@click.option("--port", type=click.IntRange(0, 65535), default=launch.DEFAULT_PORT, show_default=True)
@click.option("--linger", type=click.FloatRange(min=0), help="Seconds to stay unneeded; else for ever.")
@click.option("--detach", "detached", is_flag=True, help="Go on as nobody's child.")
def main(folder: Path | None, way: str | None, port: int, linger: float | None, detached: bool) -> None:
    """Serve the runs of a store; end at once if a server of it is there already."""
    hear_signals()
    if detached:
        detach()
    # Not before: what is imported takes time, in which the first process is still somebody's child.
    from livecb.server.serve import serve

    store = Store(folder)
    log_into(store.root)
    try:
        door = Door.of() if way is None else msgspec.json.decode(way, type=Door)
        serve(store, door=door, port=port, linger=linger, reuse=True)
    except LivecbError as error:
        logging.getLogger("livecb.server").error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
