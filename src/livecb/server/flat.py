"""A run's whole state as one flat message, for clients that want no history: over a WebSocket, or asked for.

Each message stands for itself and replaces the one before, so none that was missed is missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from livecb.errors import LivecbError
from livecb.events import Number
from livecb.server.answers import Flat
from livecb.server.frames import dump
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.replies import json_response, problem_of, refuse
from livecb.state import OVER

__all__ = ["Flat", "Flats", "flat_of"]

_GIB = 1 << 30


def flat_of(state: dict[str, Any]) -> Flat:
    """Return the State of the HTTP API on one level."""
    progress, totals = state["progress"] or {}, state["totals"] or {}
    status = state["status"]
    return Flat(
        job_id=state["run"],
        run=state["run"],
        name=state["name"],
        status=status,
        progress=1.0 if status == "completed" else progress.get("fraction"),
        current_epoch=state["epoch"],
        total_epochs=totals.get("epochs") or _total(progress, "epoch"),
        current_step=state["step"],
        total_steps=totals.get("steps") or _total(progress, "step"),
        loss=_loss(state["metrics"], "train", "loss"),
        eval_loss=_loss(state["metrics"], "val"),
        samples_per_second=_speed(state, progress),
        gpu_memory_allocated_gb=_gpu_memory(state["system"]),
        eta_seconds=0.0 if status == "completed" else progress.get("left"),
        timestamp=state["now"],
        complete=status in OVER and not state["alive"],
    )


class Flats:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(answer=Flat)
    async def get(self, request: Request) -> Response:
        """How a run stands, as one flat message."""
        return json_response(dump(await self._flat(request.path_params["run"])))

    async def serve(self, scope: Scope, receive: Receive, send: Send, interval: float) -> None:
        """Send the message at once, then whenever it is another, until the run is over or the viewer goes.

        A WebSocket that has connected and is not accepted yet; `interval` is in seconds.
        """
        run = scope["path_params"]["run"]
        try:
            first = await self._flat(run)
        except LivecbError as error:
            await refuse(scope, receive, send, problem_of(error))
            return
        await send({"type": "websocket.accept"})
        viewer = _Viewer(self.hub, send, receive)
        try:
            with self.hub.traffic.stream("websocket", scope):
                await viewer.run(first, interval, lambda: self._flat(run))
        except OSError:
            pass  # it went while we wrote

    async def _flat(self, run: str) -> Flat:
        return flat_of(msgspec.json.decode(await self.hub.indexes.state(run, self.hub.alive(run))))


class _Viewer:
    """Someone who is told how a run stands."""

    def __init__(self, hub: Hub, send: Send, receive: Receive) -> None:
        self._hub = hub
        self._send = send
        self._receive = receive
        self._left = asyncio.Event()
        self._reason = ""

    def leave(self, reason: str = "") -> None:
        """End soon."""
        self._reason = reason
        self._left.set()

    async def run(self, flat: Flat, interval: float, ask: Any) -> None:
        leaving = asyncio.get_running_loop().create_task(self._until_gone())
        self._hub.enter(self)
        said: Flat | None = None
        beat = 0.0
        try:
            while not self._left.is_set():
                now = time.monotonic()
                if said is None or _differs(flat, said) or now - beat >= self._hub.pace.heartbeat:
                    await self._write(dump(flat))
                    said, beat = flat, now
                if flat.complete:
                    break
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._left.wait(), interval)
                    continue
                flat = await ask()
            if not self._left.is_set() or self._reason:
                code = 1001 if self._hub.closing else 1000
                await self._send({"type": "websocket.close", "code": code, "reason": self._reason})
        except LivecbError as error:  # the run went, or its log cannot be read
            await self._send({"type": "websocket.close", "code": 1011, "reason": str(error)[:120]})
        except asyncio.TimeoutError:
            self._hub.traffic.slow["websocket"] += 1
            await self._send({"type": "websocket.close", "code": 1008, "reason": "it does not read"})
        finally:
            leaving.cancel()
            self._hub.leave(self)

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "websocket.disconnect":
            pass
        self.leave()

    async def _write(self, data: bytes) -> None:
        message = {"type": "websocket.send", "text": data.decode()}
        await asyncio.wait_for(self._send(message), self._hub.pace.stuck)
        self._hub.traffic.sent("websocket", len(data))


def _differs(flat: Flat, said: Flat) -> bool:
    """Whether two messages say something else, but for the time that goes by by itself."""
    passing = {"timestamp": 0.0, "eta_seconds": None}
    return msgspec.structs.replace(flat, **passing) != msgspec.structs.replace(said, **passing)


def _total(progress: dict[str, Any], unit: str) -> Number | None:
    return progress.get("total") if progress.get("unit") == unit else None


def _loss(metrics: dict[str, Any], *series: str) -> Number | None:
    """Return the last value of the loss, of the first of these curves that there is."""
    rows = [row for row in metrics.values() if row["chart"] == "loss"]
    return next((_value(row) for one in series for row in rows if row["series"] == one), None)


def _value(row: dict[str, Any]) -> Number | None:
    value: Number | None = row["value"]
    return value


def _speed(state: dict[str, Any], progress: dict[str, Any]) -> Number | None:
    """Return samples a second: said by a metric, counted by the bar, or the mean of the attempt."""
    for name, row in state["metrics"].items():
        if name.rpartition("/")[2] in ("samples_per_second", "train_samples_per_second"):
            return _value(row)
    if progress.get("unit") == "sample" and progress.get("rate") is not None:
        rate: Number = progress["rate"]
        return rate
    samples, elapsed = state["samples"], state["elapsed"]
    return samples / elapsed if samples and elapsed and state["attempt"] == 1 else None


def _gpu_memory(system: dict[str, Any] | None) -> float | None:
    used = [gpu.get("memory_used") for gpu in (system or {}).get("gpus", [])]
    known = [size for size in used if size is not None]
    return sum(known) / _GIB if known else None
