"""What compression costs and saves: of a stream's batches, and of the API's JSON answers.

    python benchmarks/compress.py

Streams: ten seconds of a run at 100 events a second, a batch each 10 ms as the server sends them. A browser
takes gzip as one continuous stream an answer, so a batch can be shared by all viewers in two ways: compressed
by itself (deflate blocks that refer to nothing before them), or by one compressor for all who are at the same
place, which forgets what it knows whenever a viewer joins. Both are decoded here as a browser does it.

Answers: what the page asks for when it opens a run, and a page of history. Beside them, what compressing in
a thread takes from a training in the same process.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable

import msgspec
from fold import make_lines

from livecb import events
from livecb.series import Series
from livecb.server.frames import SSE
from livecb.state import State
from livecb.strict import json_ready

RATE, SECONDS = 100, 10
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
Batches = list[bytes]


def batches() -> Batches:
    at, framed, sse = 0, [], SSE()
    for line in make_lines(RATE * SECONDS)[1:]:
        at += len(line) + 1
        framed.append(sse.lines(None, [(line, str(at))], b"", b""))
    return framed


def by_itself(data: Batches) -> Batches:
    out = []
    for batch in data:
        deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
        out.append(deflate.compress(batch) + deflate.flush(zlib.Z_SYNC_FLUSH))
    return out


def with_a_window(data: Batches, joins: int = 0) -> Batches:
    """Compress by one compressor; each join of a viewer makes it forget."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    every = len(data) // joins if joins else 0
    out = []
    for number, batch in enumerate(data, 1):
        end = zlib.Z_FULL_FLUSH if every and number % every == 0 else zlib.Z_SYNC_FLUSH
        out.append(deflate.compress(batch) + deflate.flush(end))
    return out


def brotli_with_a_window(data: Batches) -> Batches:
    import brotli

    compressor = brotli.Compressor(quality=1, lgwin=16)
    return [compressor.process(batch) + compressor.flush() for batch in data]


def timed(call: Callable[[], Batches]) -> tuple[float, int]:
    """Return the processor time of a batch, the best of five, in microseconds, and all bytes."""
    spans, out = [], call()
    for _ in range(5):
        begun = time.process_time()
        out = call()
        spans.append(time.process_time() - begun)
    return min(spans) / len(out) * 1e6, sum(map(len, out))


def streams() -> None:
    data = batches()
    plain = sum(map(len, data))
    for out in (by_itself(data), with_a_window(data, 10)):
        assert zlib.decompressobj(31).decompress(GZIP_HEAD + b"".join(out)) == b"".join(data)
    print(f"a stream of {RATE} events/s, {plain / len(data):.0f} bytes an event, one in a batch\n")
    print("                                        bytes    µs a    core, 10 / 100   kB/s to 100")
    print("                                              a batch        viewers       viewers")
    rows: list[tuple[str, Callable[[], Batches], bool]] = [
        ("plain", lambda: list(data), True),
        ("gzip 1, each batch by itself, shared", lambda: by_itself(data), True),
        ("gzip 1, one window, 1 join/s, shared", lambda: with_a_window(data, SECONDS), True),
        ("gzip 1, one window, no join, shared", lambda: with_a_window(data), True),
        ("gzip 1, a window for each viewer", lambda: with_a_window(data), False),
    ]
    try:
        brotli_with_a_window(data[:1])
        rows.append(("brotli 1, a window for each viewer", lambda: brotli_with_a_window(data), False))
    except ImportError:
        print("(no brotli here)")
    for name, call, shared in rows:
        cost, size = timed(call)
        cost = 0.0 if name == "plain" else cost
        load = [cost * RATE * (1 if shared else viewers) / 1e4 for viewers in (10, 100)]
        wire = size / SECONDS * 100 / 1e3
        print(f"{name:38} {size / plain:5.0%} {cost:9.1f}   {load[0]:5.2f} / {load[1]:5.2f} % {wire:12.0f}")


def answers() -> dict[str, bytes]:
    lines = make_lines(20_000)
    state, series = State("bench"), Series()
    for at in range(0, len(lines), 2000):
        found = events.decode_lines(lines[at : at + 2000])
        state.feed(found)
        said = [event for event in found if isinstance(event, events.Metrics)]
        series.feed(said, [event.seq for event in said])
    columns = series.to_dict(points=1000)
    page = b'{"cursor":"1","events":[' + b",".join(lines[1:10_001]) + b"]}"
    return {
        "State": msgspec.json.encode(state.to_dict(alive=True, now=1.8e9)),
        "series of 5 metrics, 1,000 points each": msgspec.json.encode(json_ready(columns)),
        "history, 10,000 events": page,
    }


def json_answers() -> None:
    print(
        "\nanswers: what is left, ms to compress and to decompress, ms saved in all at 10 / 100 / 1000 Mbit/s"
    )
    for name, body in answers().items():
        for level in (1, 6):
            spent, small = best(lambda body=body, level=level: zlib.compress(body, level, 31))
            undo, _ = best(lambda small=small: zlib.decompress(small, 31))
            saved = [(len(body) - len(small)) * 8 / rate * 1e3 - spent - undo for rate in (1e7, 1e8, 1e9)]
            words = " / ".join(f"{each:.1f}" for each in saved)
            print(
                f"{name}, level {level}: {len(body) / 1e3:.1f} kB, {len(small) / len(body):.0%}, "
                f"{spent:.2f} ms, {undo:.2f} ms, saved {words} ms"
            )


def best(call: Callable[[], bytes]) -> tuple[float, bytes]:
    spans, out = [], b""
    for _ in range(7):
        begun = time.perf_counter()
        out = call()
        spans.append(time.perf_counter() - begun)
    return min(spans) * 1e3, out


def beside_a_training() -> None:
    """How many steps of pure Python a training makes while a thread compresses without a pause."""

    def steps(seconds: float) -> int:
        end, done, value = time.perf_counter() + seconds, 0, 0.0
        while time.perf_counter() < end:
            for number in range(1000):
                value += number * 0.5
            done += 1
        return done

    body, stop, made = answers()["history, 10,000 events"], threading.Event(), [0]

    def compress() -> None:
        while not stop.is_set():
            zlib.compress(body, 1, 31)
            made[0] += 1

    shares = []
    for _ in range(5):
        alone = steps(1.0)
        stop.clear()
        thread = threading.Thread(target=compress)
        thread.start()
        beside = steps(1.0)
        stop.set()
        thread.join()
        shares.append(beside / alone)
    rate = made[0] / len(shares) * len(body) / 1e6
    print(f"\nsteps of a training while a thread of it compresses without a pause, {rate:.0f} MB/s:")
    print(f"{sorted(shares)[2]:.1%} of those without")


if __name__ == "__main__":
    streams()
    json_answers()
    beside_a_training()
