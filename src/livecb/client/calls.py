"""A verb of the API, apart from who asks: what is asked, and what the answer means."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from livecb.errors import EventError, ServerError
from livecb.events import AnyEvent, FileRef, Unknown, decode
from livecb.logs.wire import Address, Ask, answer_of
from livecb.server import launch
from livecb.store import default_root

__all__ = ["Call", "Chain", "address_of", "call_of", "digest_of", "event_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A question, and what makes its answer a value."""

    ask: Ask
    decode: Callable[[int, bytes], T]


@dataclass(frozen=True, slots=True)
class Chain(Generic[T]):
    """A page of things, and what asks for the page after it; None where there is none."""

    items: list[T]
    next: Call[Chain[T]] | None


def address_of(address: str | None, token: str | None) -> Address:
    """Return the address that is meant; that of this machine's own server if none is named.

    Raises:
        ServerError: It is no address, or no server of this machine's store runs.
    """
    if address is not None:
        return Address.parse(address, token)
    root = default_root()
    if (found := launch.find(root)) is None:
        raise ServerError(
            f"no server of the store {os.fspath(root)} runs; start one with `livecb view`, "
            "or name the address of another: Client('http://...')"
        )
    return Address.parse(found.url(), token)


def event_of(line: bytes) -> AnyEvent | Unknown | None:
    """Return a line as an event, None if it is of a wrong shape."""
    try:
        return decode(line)
    except EventError:
        return None


def digest_of(file: str | FileRef) -> str:
    """Return the hash of a file that an event names, or that is named by it."""
    return file if isinstance(file, str) else file.hash


def call_of(ask: Ask, take: Callable[[Any], T]) -> Call[T]:
    """Return a question whose answer is JSON, and what makes that a value."""

    def decode(status: int, body: bytes) -> T:
        said = answer_of(status, body, ask.path)
        try:
            return take(said)
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise ServerError(
                f"did not understand the answer to {ask.path}: {error!r}; use the server's version of livecb"
            ) from error

    return Call(ask, decode)
