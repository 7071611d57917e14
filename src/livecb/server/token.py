"""The store's token: who knows it may read."""

from __future__ import annotations

import hashlib
import os
import secrets

from livecb.server.tokens import is_named
from livecb.store import Store

__all__ = ["cookie_name", "token_of"]


def token_of(store: Store) -> str:
    """Return the token of a store: `LIVECB_TOKEN`, else the one in its `.token`, which is made at first.

    A named token in `LIVECB_TOKEN` is for another server, which knows its rights; here it would be the
    owner's.
    It stands in the store, readable by its owner alone, so that addresses and cookies outlive the server.
    Where the store cannot be written, it is one of this process.
    """
    chosen = os.environ.get("LIVECB_TOKEN")
    if chosen and not is_named(chosen):
        return chosen
    path = store.root / ".token"
    try:
        return _known(path) or _made(path)
    except OSError:
        return secrets.token_urlsafe(24)


def cookie_name(store: Store) -> str:
    """Return the name of a store's cookie: browsers share cookies between all ports of a host."""
    return f"livecb-{hashlib.sha256(os.path.realpath(store.root).encode()).hexdigest()[:8]}"


def _known(path: os.PathLike[str]) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(200).strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _made(path: os.PathLike[str]) -> str:
    folder, name = os.path.split(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    spare = os.path.join(folder, f"{name}.{secrets.token_hex(6)}")
    descriptor = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        try:
            os.link(spare, path)  # whole or not at all, and the first one wins
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(spare, path)
    finally:
        if os.path.exists(spare):
            os.unlink(spare)
    return _known(path)
