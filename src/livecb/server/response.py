"""A training that a request starts, in an app of the user's own: its events, as they come, are the answer.

The law: the training does not depend on who listens. It runs as a task, or in a thread, of its own; the
answer only reads the run's log, as every viewer does, and a client that goes takes nothing with it.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import format_exception_only
from typing import Any, Protocol

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from livecb.errors import ServerError
from livecb.server.frames import SSE, Sieve
from livecb.server.pace import IN_A_THREAD, Pace
from livecb.server.tail import Place, Tail
from livecb.store import StoredRun
from livecb.strict import json_ready
from livecb.values import plain

__all__ = ["stream_response"]

Training = Awaitable[Any] | Callable[[], Any]

_log = logging.getLogger("livecb.server")
_under_way: set[asyncio.Task[Any]] = set()  # asyncio itself keeps no task alive


class Recorded(Protocol):
    """What is asked of a run: that of `livecb.init` has it."""

    id: str
    folder: Path | None

    def finish(self, *, result: Any = None) -> None:
        """End the run, unless it has ended."""
        ...

    def finish_with(self, error: BaseException) -> None:
        """End the run with what ended the training, unless it has ended."""
        ...


def stream_response(
    run: Recorded, training: Training, *, cancel_on_disconnect: bool = False, pace: Pace = IN_A_THREAD
) -> StreamingResponse:
    """Return the answer to a request that starts a training: a stream of the run's events, then its result.

    The answer is `text/event-stream`: each event of the run from its log's beginning, as in the
    [HTTP API](http.md), then one event `result` with `{"run", "result"}`, or `error` with `{"run", "error"}`.
    The run is ended with what the training returns or raises, if the training has not ended it.

    Args:
        run: The run that the training records into.
        training: A coroutine; or a function without arguments, `async` or not. A plain function runs in a
            thread of its own; a coroutine must not compute for long between two `await`s, since the whole
            app waits for it.
        cancel_on_disconnect: Whether the training is cancelled when the client goes, and the run *stopped*.
            Otherwise it goes on, and can be watched on the run's page.
        pace: How it spends time.

    Raises:
        TypeError: `training` is neither.
        ServerError: A function in a thread was to be cancelled, which Python cannot do.
    """
    in_thread = not (inspect.isawaitable(training) or inspect.iscoroutinefunction(training))
    if in_thread and not callable(training):
        raise TypeError(f"expected a coroutine or a function as the training, got {training!r}")
    if in_thread and cancel_on_disconnect:
        raise ServerError("a function in a thread cannot be cancelled: pass a coroutine, or let it go on")
    return _Response(run, training, in_thread, cancel_on_disconnect, pace)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a training came to."""

    result: Any = None
    error: BaseException | None = None

    def message(self, run: str) -> bytes:
        """Return it as the last event of the answer."""
        if self.error is None:
            return SSE().message("result", {"run": run, "result": msgspec.Raw(_json(self.result))})
        said = "".join(format_exception_only(type(self.error), self.error)).strip()
        return SSE().message("error", {"run": run, "error": said})


class _Response(StreamingResponse):
    media_type = "text/event-stream"

    def __init__(
        self, run: Recorded, training: Training, in_thread: bool, cancel_on_disconnect: bool, pace: Pace
    ) -> None:
        super().__init__(self._frames(), headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._run = run
        self._train = partial(_in_thread if in_thread else _in_task, run, training)
        self._cancels = cancel_on_disconnect
        self._pace = pace
        self._task: asyncio.Task[_Outcome] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start the training, and answer."""
        task = self._task = asyncio.get_running_loop().create_task(
            self._train(), name=f"livecb-{self._run.id}"
        )
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._cancels and not task.done():
                task.cancel()

    async def _frames(self) -> AsyncIterator[bytes]:
        assert self._task is not None
        reader = _Reader(self._run.folder, self._pace)
        pause, beat = self._pace.quick, time.monotonic()
        try:
            while True:
                over = self._task.done()
                if data := reader.read():
                    pause, beat = self._pace.quick, time.monotonic()
                    yield data
                elif over:
                    break
                else:
                    pause = min(pause * 2, self._pace.idle)
                if time.monotonic() - beat > self._pace.heartbeat:
                    beat = time.monotonic()
                    yield SSE().message("heartbeat", {"time": time.time()})
                await asyncio.wait({self._task}, timeout=pause)
            yield self._outcome().message(self._run.id)
        finally:
            reader.close()

    def _outcome(self) -> _Outcome:
        assert self._task is not None
        return (
            _Outcome(error=asyncio.CancelledError("cancelled"))
            if self._task.cancelled()
            else self._task.result()
        )


class _Reader:
    """Reads a run's log as SSE, from its beginning."""

    def __init__(self, folder: Path | None, pace: Pace) -> None:
        self._tail = Tail([StoredRun(folder)] if folder is not None else [], patient=True)
        self._place: Place = ()
        self._lines = pace.lines
        self._sieve = Sieve()

    def read(self) -> bytes:
        """Return what is new."""
        found: list[bytes] = []
        self._tail.find_parts()
        self._place = self._tail.pad(self._place)
        for stretch in self._tail.read(self._place, self._lines):
            if isinstance(stretch, str):  # the log was replaced
                self._place = self._tail.forget(self._place, stretch)
                found.append(SSE().message("reset", {"run": stretch}))
                break
            before, after = self._tail.around(self._place, stretch.part)
            found.append(SSE().lines(None, self._sieve.sift(stretch.lines, stretch.offsets), before, after))
            self._place = stretch.after(self._place)
        return b"".join(found)

    def close(self) -> None:
        """Close the files."""
        self._tail.close()


async def _in_task(run: Recorded, training: Any) -> _Outcome:
    try:
        outcome = _Outcome(await (training if inspect.isawaitable(training) else training()))
    except asyncio.CancelledError as error:
        await _ended(run, _Outcome(error=error))
        raise
    except (Exception, SystemExit) as error:  # an exit is the training's end, not the server's
        outcome = _Outcome(error=error)
    await _ended(run, outcome)
    return outcome


async def _ended(run: Recorded, outcome: _Outcome) -> None:
    # In a thread: a run waits for those who watch it to have seen its end.
    await asyncio.shield(asyncio.to_thread(_end, run, outcome))


async def _in_thread(run: Recorded, training: Any) -> _Outcome:
    def train() -> _Outcome:
        try:
            outcome = _Outcome(training())
        except (Exception, SystemExit) as error:
            outcome = _Outcome(error=error)
        if not inspect.isawaitable(outcome.result):
            _end(run, outcome)
        return outcome

    # Of its own, since a training would keep a thread from all others for long. The interpreter waits for it.
    pool = ThreadPoolExecutor(1, thread_name_prefix=run.id or "training")
    try:
        outcome = await asyncio.wrap_future(pool.submit(contextvars.copy_context().run, train))
    finally:
        pool.shutdown(wait=False)
    # A plain function that makes a coroutine, as a lambda does: that is the training.
    return await _in_task(run, outcome.result) if inspect.isawaitable(outcome.result) else outcome


def _end(run: Recorded, outcome: _Outcome) -> None:
    if outcome.error is None:
        run.finish(result=_dumped(outcome.result))
        return
    run.finish_with(outcome.error)
    if not isinstance(outcome.error, asyncio.CancelledError):
        _log.error("run %s failed", run.id, exc_info=outcome.error)


def _json(value: Any) -> bytes:
    """Return a result as strict JSON, whole."""
    try:
        return msgspec.json.encode(json_ready(value), enc_hook=_as_json)
    except Exception:  # what no JSON holds, as keys of other kinds
        return msgspec.json.encode(json_ready(plain(value)))


def _as_json(value: Any) -> Any:
    dumped = _dumped(value)
    return json_ready(plain(value) if dumped is value else dumped)


def _dumped(value: Any) -> Any:
    """Return the data of a Pydantic model, as FastAPI apps hold it; anything else as it is."""
    dump = getattr(value, "model_dump", None)
    if not callable(dump) or isinstance(value, type):
        return value
    try:
        return dump()
    except Exception:  # a model whose own serialiser fails: its end is told all the same
        return value
