"""The demo: a small network learns something real, live, offline, in about a minute."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from livecb.sinks.server import Server
from livecb.start import init

__all__ = ["missing", "start"]

_NEEDED = {
    "lightning": {"lightning": "lightning", "sklearn": "scikit-learn"},
    "transformers": {"transformers": "transformers", "torch": "torch", "accelerate": "accelerate"},
}
_NAMES = {"lightning": "digits-cnn", "transformers": "bert-tiny"}


def missing(framework: str) -> list[str]:
    """Return the distributions that a demo needs and that are not installed."""
    return [
        distribution
        for module, distribution in _NEEDED[framework].items()
        if importlib.util.find_spec(module) is None
    ]


def start(
    framework: str,
    epochs: int | None = None,
    root: Path | None = None,
    port: int | None = None,
    open_page: Callable[[str], None] | None = None,
) -> None:
    """Train, and print where to watch it.

    Args:
        framework: `lightning` or `transformers`.
        epochs: How long; about a minute if left out.
        root: The store's folder.
        port: The server's port.
        open_page: Called with the address of the run's page.
    """
    run = init("demo", _NAMES[framework], dir=root, sinks=[Server(port)], capture="all", tags=["demo"])
    with run:
        if run.url and open_page is not None:
            open_page(run.url)
        print(f"loading {framework} ...", flush=True)
        trained = importlib.import_module(f"livecb.demo.{framework}_demo")
        trained.train(run, epochs)
    print("\nThe page stays for some minutes; `livecb view` shows it at any time.", file=sys.stderr)
