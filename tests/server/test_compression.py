"""Answers as gzip: for who takes it, where the training does not pay for it."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from watching import Served, Writer, take

from livecb.server import pages
from livecb.server.compression import LEAST, accepts_gzip
from livecb.server.pace import IN_A_THREAD

PLAIN, PACKED = {"accept-encoding": "identity"}, {"accept-encoding": "gzip, deflate, br"}


def raw(served: Served, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    """Return an answer, and the bytes of it that came over the wire."""
    with served.client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", ["series", "events", ""], ids=["series", "history", "state"])
def test_json_comes_as_gzip_to_who_takes_it_and_is_the_same(apart: Served, writer: Writer, path: str) -> None:
    writer.metrics(3000)  # enough for all but State to be compressed in a thread
    path = f"api/runs/{writer.run.id}/{path}".rstrip("/")
    plain, whole = raw(apart, path, PLAIN)
    answer, small = raw(apart, path, PACKED)
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(small) < len(whole) * 0.6
    for each in (plain, answer):
        assert "accept-encoding" in each.headers["vary"].lower()
        assert each.headers["content-type"] == "application/json"
    one, other = json.loads(gzip.decompress(small)), json.loads(whole)
    for moving in ("now", "elapsed"):
        one.pop(moving, None)
        other.pop(moving, None)
    assert one == other


def test_what_is_short_is_no_json_or_a_stream_is_not_compressed(apart: Served, writer: Writer) -> None:
    digest = writer.run.add_file(b"text " * LEAST, "a.txt", "text/plain").hash
    for path in ("api/health", f"api/runs/{writer.run.id}/files/{digest}", "api/runs/nobody"):
        answer, body = raw(apart, path, PACKED)
        assert "content-encoding" not in answer.headers, path
        assert int(answer.headers["content-length"]) == len(body)
    writer.metrics(100)
    with apart.stream(apart.events(writer.run.id), PACKED) as stream:
        assert len(take(stream, 101)) == 101
    with apart.client.stream(
        "GET", apart.events(writer.run.id), headers={**PACKED, "accept": "text/event-stream"}
    ) as answer:
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("said", "takes"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("br;q=1.0, *;q=0.1", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("gzip;q=much", False),
        ("x-gzipped", False),
    ],
)
def test_gzip_is_for_who_says_to_take_it(said: str, takes: bool) -> None:
    assert accepts_gzip({"headers": [(b"accept-encoding", said.encode())]}) is takes


def test_in_a_training_s_own_process_no_answer_is_compressed(served: Served, writer: Writer) -> None:
    assert IN_A_THREAD.compress is False
    writer.metrics(3000)
    answer, _ = raw(served, f"api/runs/{writer.run.id}/series", PACKED)
    assert "content-encoding" not in answer.headers


def test_the_page_s_files_come_as_gzip_and_are_kept_as_long(apart: Served) -> None:
    static = pages.STATIC
    script = max((static / "assets").glob("*.js"), key=lambda path: path.stat().st_size)
    for path, kept in ((f"assets/{script.name}", "immutable"), ("client.js", "no-cache")):
        plain, whole = raw(apart, path, PLAIN)
        answer, small = raw(apart, path, PACKED)
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(small) == whole
        assert len(small) < len(whole) / 2
        assert kept in answer.headers["cache-control"]
        assert (
            answer.headers["content-type"].partition(";")[0]
            == plain.headers["content-type"].partition(";")[0]
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
    icon, _ = raw(apart, f"assets/{min((static / 'assets').glob('*.svg')).name}", PACKED)
    assert "content-encoding" not in icon.headers  # it is as small as it gets
