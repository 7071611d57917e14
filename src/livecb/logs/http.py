"""A run's log, read over HTTP: from anywhere, with the same cursors as on disk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Generator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

from livecb.errors import LogError, ServerError
from livecb.logs.base import START, Batch, Log
from livecb.logs.following import Following, batch_of
from livecb.logs.wire import Address, Ask, Upload, error_of, unreached

try:
    import httpx
except ImportError as error:  # pragma: no cover
    raise ImportError("reading over HTTP needs httpx: pip install 'livecb[client]'") from error

__all__ = [
    "HttpLog",
    "afollow",
    "asend",
    "astreamed",
    "async_client_of",
    "client_of",
    "follow",
    "send",
    "streamed",
]

_CONNECT_SECONDS = 5.0
_SECONDS = 30.0
_PIECE = 1 << 18


def client_of(address: Address) -> httpx.Client:
    """Return what asks a server, and waits."""
    return httpx.Client(**_settings(address))


def async_client_of(address: Address) -> httpx.AsyncClient:
    """Return what asks a server, with asyncio."""
    return httpx.AsyncClient(**_settings(address))


def send(client: httpx.Client, ask: Ask) -> tuple[int, bytes]:
    """Return the status and the body of an answer.

    Raises:
        ServerError: Nothing answered.
    """
    try:
        answer = client.send(_request(client, ask))
    except httpx.RequestError as error:
        raise unreached(str(client.base_url), error) from error
    return answer.status_code, answer.content


async def asend(client: httpx.AsyncClient, ask: Ask) -> tuple[int, bytes]:
    """As `send`, without blocking."""
    try:
        answer = await client.send(_request(client, ask))
    except httpx.RequestError as error:
        raise unreached(str(client.base_url), error) from error
    return answer.status_code, answer.content


@contextmanager
def streamed(client: httpx.Client, ask: Ask) -> Iterator[Iterator[bytes]]:
    """Give an answer piece by piece, however large it is.

    Raises:
        LivecbError: It is an error, or it broke off.
    """
    try:
        answer = client.send(_request(client, ask), stream=True)
        try:
            if answer.status_code >= 400:
                raise error_of(answer.status_code, answer.read(), ask.path)
            yield answer.iter_bytes()
        finally:
            answer.close()
    except httpx.RequestError as error:
        raise unreached(str(client.base_url), error) from error


@asynccontextmanager
async def astreamed(client: httpx.AsyncClient, ask: Ask) -> AsyncIterator[AsyncIterator[bytes]]:
    """As `streamed`, without blocking."""
    try:
        answer = await client.send(_request(client, ask), stream=True)
        try:
            if answer.status_code >= 400:
                raise error_of(answer.status_code, await answer.aread(), ask.path)
            yield answer.aiter_bytes()
        finally:
            await answer.aclose()
    except httpx.RequestError as error:
        raise unreached(str(client.base_url), error) from error


class HttpLog(Log):
    """The log of one run behind a livecb server; it is read, never appended to.

    Following it is a stream (SSE) that is taken up again at the same place whenever it breaks, and
    questions that wait where something on the way swallows streams. Each line comes once.

    Args:
        address: The run's address as livecb prints it, or the server's with `run`.
        run: The run's id.
        token: What opens it, where the address does not say.
        types: Event types and channels to read; all if None.
        until_end: Whether following is over when the run is: its writer gone, and all read.
        client: What to ask with; one of its own if None.
    """

    def __init__(
        self,
        address: str | Address,
        run: str | None = None,
        *,
        token: str | None = None,
        types: Collection[str] | None = None,
        until_end: bool = True,
        client: httpx.Client | None = None,
    ) -> None:
        self.address = address if isinstance(address, Address) else Address.parse(address, token)
        named = run or self.address.run
        if not named:
            raise ServerError(f"expected the address of a run, got {address!r}; name one with run=")
        self.run = named
        self.types = types
        self.until_end = until_end
        self._own = client is None
        self._client = client or client_of(self.address)

    def append(self, lines: bytes) -> str:
        raise LogError(
            "a log over HTTP is read only; `livecb.Client.append` appends to runs that are trained elsewhere"
        )

    def read(self, cursor: str = START, limit: int = 10_000) -> Batch:
        return self._read(cursor, limit)

    def end(self) -> str:
        return self._read("end", 1).cursor

    def close(self) -> None:
        """Let go of connections."""
        if self._own:
            self._client.close()

    def tail(
        self, cursor: str = START, *, limit: int = 10_000, until: Callable[[], bool] | None = None
    ) -> Iterator[Batch]:
        if until is not None:
            yield from super().tail(cursor, limit=limit, until=until)
            return
        yield from follow(self._client, self.following(cursor, limit))

    async def follow(self, cursor: str = START, *, limit: int = 10_000) -> AsyncIterator[Batch]:
        following = self.following(cursor, limit)
        async with async_client_of(self.address) as client, aclosing(afollow(client, following)) as batches:
            async for batch in batches:
                yield batch

    def following(self, cursor: str, limit: int = 10_000) -> Following:
        """Return what keeps the place of one who follows this log."""
        return Following(self.run, cursor, self.types, until_end=self.until_end, limit=limit)

    def _read(self, cursor: str, limit: int) -> Batch:
        types = ",".join(self.types) if self.types else None
        ask = Ask.of(self.run, "events", cursor=cursor, limit=limit, types=types, cursors=1)
        return batch_of(*send(self._client, ask))[0]


def follow(client: httpx.Client, following: Following) -> Generator[Batch, None, None]:
    """Yield what comes, each line once, whatever breaks on the way."""
    while not following.done:
        pause = 0.0
        try:
            if following.streams:
                yield from _stream(client, following)
                pause = following.broke()
            elif (found := following.take(*send(client, following.ask()))) is not None:
                yield found
        except httpx.RequestError as error:
            pause = following.broke(*_why(client, error))
        except ServerError as error:
            pause = following.broke(error)
        time.sleep(pause)


def _stream(client: httpx.Client, following: Following) -> Iterator[Batch]:
    answer = client.send(_request(client, following.ask()), stream=True)
    try:
        if answer.status_code >= 400:
            raise error_of(answer.status_code, answer.read(), str(client.base_url))
        for chunk in answer.iter_bytes() if _is_stream(answer) else ():
            yield from following.feed(chunk)
            if following.leave:
                return
    finally:
        answer.close()


async def afollow(client: httpx.AsyncClient, following: Following) -> AsyncGenerator[Batch, None]:
    """As `follow`, without blocking."""
    while not following.done:
        pause = 0.0
        try:
            if following.streams:
                async with aclosing(_astream(client, following)) as batches:
                    async for batch in batches:
                        yield batch
                pause = following.broke()
            elif (found := following.take(*await asend(client, following.ask()))) is not None:
                yield found
        except httpx.RequestError as error:
            pause = following.broke(*_why(client, error))
        except ServerError as error:
            pause = following.broke(error)
        await asyncio.sleep(pause)


async def _astream(client: httpx.AsyncClient, following: Following) -> AsyncGenerator[Batch, None]:
    answer = await client.send(_request(client, following.ask()), stream=True)
    try:
        if answer.status_code >= 400:
            raise error_of(answer.status_code, await answer.aread(), str(client.base_url))
        if not _is_stream(answer):
            return
        async for chunk in answer.aiter_bytes():
            for batch in following.feed(chunk):
                yield batch
            if following.leave:
                return
    finally:
        await answer.aclose()


def _settings(address: Address) -> dict[str, Any]:
    # A proxy that the environment names for the world outside knows no way to this machine.
    settings = {"base_url": address.base, "headers": address.headers, "trust_env": not address.is_loopback}
    if address.is_loopback and address.base.startswith("https:"):
        settings["verify"] = httpx.create_ssl_context()  # what SSL_CERT_FILE trusts is trusted here, too
    return settings


def _request(client: httpx.Client | httpx.AsyncClient, ask: Ask) -> httpx.Request:
    timeout = httpx.Timeout(ask.patience or _SECONDS, connect=_CONNECT_SECONDS)
    content: Any = ask.content
    if content is None and isinstance(ask.body, Upload):
        pieces = _pieces(os.fspath(ask.body.source))
        content = pieces if isinstance(client, httpx.Client) else _apieces(pieces)
    return client.build_request(
        ask.method, ask.path, params=ask.params, headers=ask.headers, content=content, timeout=timeout
    )


def _pieces(path: str | bytes) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            yield piece


async def _apieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _is_stream(answer: httpx.Response) -> bool:
    """Whether an answer is a stream of events, and not a proxy's own page."""
    return str(answer.headers.get("content-type", "")).startswith("text/event-stream")


def _why(client: httpx.Client | httpx.AsyncClient, error: httpx.RequestError) -> tuple[ServerError, bool]:
    return unreached(str(client.base_url), error), isinstance(error, httpx.ReadTimeout)
