"""Two usual ways to send events to many viewers, for `fanout.py` to stand beside.

    python benchmarks/rivals.py starlette|sse-starlette LOG PORT

Both tail the same log as livecb's server does, run on the same uvicorn with uvloop and httptools, and do
what most code does: a queue for each viewer, and one write for each event and viewer.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

queues: set[asyncio.Queue[str]] = set()


async def tail(path: str) -> None:
    with open(path) as file:
        rest = ""
        while True:
            text = file.read(1 << 18)
            if not text:
                await asyncio.sleep(0.003)
                continue
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                for queue in queues:
                    queue.put_nowait(line)
            await asyncio.sleep(0)


async def events(request: Request) -> AsyncIterator[str]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            yield await queue.get()
    finally:
        queues.discard(queue)


async def naive(request: Request) -> Response:
    async def framed() -> AsyncIterator[str]:
        async for line in events(request):
            yield f"data: {line}\n\n"

    return StreamingResponse(framed(), media_type="text/event-stream")


async def library(request: Request) -> Response:
    async def framed() -> AsyncIterator[dict[str, str]]:
        async for line in events(request):
            yield {"data": line}

    return EventSourceResponse(framed())


def main() -> None:
    kind, path, port = sys.argv[1], sys.argv[2], int(sys.argv[3])

    @contextlib.asynccontextmanager
    async def tailing(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(tail(path))
        yield
        task.cancel()

    route = Route("/events", naive if kind == "starlette" else library)
    app = Starlette(routes=[route], lifespan=tailing)
    uvicorn.run(app, port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
