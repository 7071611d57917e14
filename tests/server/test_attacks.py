"""Attacks on a real socket: nothing that anyone sends harms the log, fills the training's own, or stops the others."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from watching import Served, Writer, client_of, take, until

from livecb import events as ev
from livecb.server import connection, launch
from livecb.server.bounds import HEAD_BYTES, check_head, most_connections
from livecb.server.door import Door
from livecb.store import Store


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Writer, Served]]:
    store = Store(tmp_path_factory.mktemp("attacked") / "store")
    writer = Writer(store).live().start()
    server = launch.ThreadServer(store, Door(), port=0)
    served = client_of(server.start())
    yield store, writer, served
    served.client.close()
    server.stop()
    writer.die()


@pytest.fixture
def store(kept: tuple[Store, Writer, Served]) -> Store:
    return kept[0]


@pytest.fixture
def writer(kept: tuple[Store, Writer, Served]) -> Writer:
    return kept[1]


@pytest.fixture
def served(kept: tuple[Store, Writer, Served]) -> Served:
    return kept[2]


@pytest.fixture(autouse=True)
def _others_notice_nothing(
    kept: tuple[Store, Writer, Served], caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """While a test attacks, a viewer watches: it misses nothing, the log is whole, and no line is logged."""
    store, writer, served = kept
    before = writer.path.read_bytes()
    outside = listing(store.root.parent, without=store.root)
    with served.stream(served.events(writer.run.id), cursor="end", types="metrics") as stream:
        next(stream)
        with caplog.at_level(logging.INFO):
            yield
            writer.metrics(3)
            assert [message.json["seq"] for message in take(stream, 3)] == [
                *range(writer.seq - 3, writer.seq)
            ]
    assert writer.path.read_bytes().startswith(before)
    assert served.client.get("api/health").status_code == 200
    assert listing(store.root.parent, without=store.root) == outside
    said = [record for phase in ("call", "teardown") for record in caplog.get_records(phase)]  # type: ignore[arg-type]
    assert [record for record in said if record.name.startswith(("uvicorn", "livecb"))] == []


def listing(folder: Path, without: Path) -> list[tuple[str, int]]:
    return sorted(
        (str(path), path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file() and without not in path.parents
    )


def ask(served: Served, request: bytes, *, token: bool = True, wait: float = 20) -> bytes:
    """Send bytes with this server's name and token after their first line; return what comes until the end."""
    line, _, rest = request.partition(b"\r\n")
    known = f"\r\nHost: 127.0.0.1:{served.address.port}\r\n"
    known += f"X-API-Key: {served.address.token}\r\n" if token else ""
    return ask_raw(served, line + known.encode() + rest, wait)


def ask_raw(served: Served, data: bytes, wait: float = 20) -> bytes:
    found = b""
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.settimeout(wait)
        try:
            sock.sendall(data)
            while more := sock.recv(65536):
                found += more
        except ConnectionError:
            pass
    return found


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d+) ", answer)
    assert found, answer
    return int(found[1])


CLOSE = b"Connection: close\r\n"

# Requests that are none


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1e3\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"X-A: b\r\n c\r\n",
        b"X-A\r\n",
        b"X-\0A: b\r\n",
        b"X-A: b\rX-B: c\r\n",
    ],
)
def test_a_request_that_two_servers_would_read_differently_is_refused(served: Served, headers: bytes) -> None:
    smuggled = b"GET /api/runs HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = ask(served, b"POST /api/runs/x/notes HTTP/1.1\r\n" + headers + b"\r\n0\r\n\r\n" + smuggled)
    assert status_of(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1  # what stood behind it is no request


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0" * 1000,
        b"GET /api/\0health HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\n\r\n",
        b"\r\n" * 10 + b"nonsense\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(served: Served, data: bytes) -> None:
    assert status_of(ask_raw(served, data)) == 400


def test_a_request_for_two_hosts_is_refused(served: Served) -> None:
    answer = ask(served, b"GET /api/runs HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n")
    assert status_of(answer) == 400
    assert b"several-hosts" in answer


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::ffff:8.8.8.8]", "0x7f.1"]
)
def test_a_name_that_was_made_to_lead_here_gets_nothing(served: Served, host: str) -> None:
    for path in ("/", "/api/runs", "/api/health", "/assets/x"):
        request = (
            f"GET {path}?token={served.address.token} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        answer = ask_raw(served, request.encode())
        assert status_of(answer) == 421
        assert b"set-cookie" not in answer.lower()


# Too much


def test_a_head_is_bounded_in_bytes_in_headers_and_in_its_address(served: Served) -> None:
    many = b"".join(b"X-%d: a\r\n" % number for number in range(200))
    assert status_of(ask(served, b"GET /api/runs HTTP/1.1\r\n" + many + CLOSE + b"\r\n")) == 431
    long = b"X-A: " + b"a" * HEAD_BYTES + b"\r\n"
    assert status_of(ask(served, b"GET /api/runs HTTP/1.1\r\n" + long + CLOSE + b"\r\n")) == 431
    for target in (b"/api/runs?search=" + b"a" * 40_000, b"/" + b"a" * 40_000):
        assert status_of(ask(served, b"GET " + target + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")) == 414


@pytest.mark.parametrize(
    "begin", [b"GET /api/runs?search=", b"GET /api/runs HTTP/1.1\r\nX-A: ", b"GET /api/runs HTTP/1.1\r\nX"]
)
def test_a_head_that_does_not_end_is_cut_off(served: Served, begin: bytes) -> None:
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.settimeout(20)
        sock.sendall(begin)
        assert send_on(sock, [b"a" * 65536] * 1024) < 512  # what the kernel holds, and no more


def test_headers_behind_a_body_are_dropped_and_bounded(served: Served, writer: Writer) -> None:
    head = (
        f"POST /api/runs/{writer.run.id}/notes HTTP/1.1\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    ).encode()
    body = b'{"text": "x"}'
    whole = head + b"%x\r\n" % len(body) + body + b"\r\n0\r\nX-API-Key: other\r\n\r\n"
    assert status_of(ask(served, whole)) in (200, 201)
    began = head + b"1\r\n{\r\n0\r\n"
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.settimeout(20)
        line, _, rest = began.partition(b"\r\n")
        known = f"\r\nHost: 127.0.0.1\r\nX-API-Key: {served.address.token}\r\n".encode()
        sock.sendall(line + known + rest)
        trailers = [b"X-%d: " % number + b"a" * 16_000 + b"\r\n" for number in range(4096)]
        assert send_on(sock, trailers) < len(trailers) // 2


def send_on(sock: socket.socket, pieces: list[bytes], pause: float = 0.001) -> int:
    """Send until the other end closes; return how many pieces went out."""
    for number, piece in enumerate(pieces):
        try:
            sock.sendall(piece)
        except ConnectionError:
            return number
        time.sleep(pause)
    return len(pieces)


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "declared"])
def test_a_body_is_bounded(served: Served, writer: Writer, chunked: bool) -> None:
    run = writer.run.id
    body = b'{"text": "' + b"a" * (1 << 20) + b'"}'
    content = iter([body]) if chunked else body
    headers = {"content-type": "application/json"}
    try:
        answer = served.client.post(f"api/runs/{run}/notes", content=content, headers=headers)
    except httpx.TransportError:
        return  # cut off before all of it was sent
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"text":' * 20_000,
        b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"text": "\xff\xfe"}',
        b'{"text": "\\ud800"}',
        b'{"text": 1e999}',
        b"\0" * 100,
        b"",
        b"null",
    ],
    ids=range(9),
)
def test_json_that_is_none_or_too_deep_is_refused(served: Served, writer: Writer, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for path in (f"api/runs/{writer.run.id}/notes", f"api/runs/{writer.run.id}/commands", "api/baselines"):
        assert served.client.post(path, content=body, headers=headers).status_code in (400, 413, 422)
    assert served.client.patch(f"api/runs/{writer.run.id}", content=body, headers=headers).status_code in (
        400,
        413,
        422,
    )


def test_events_that_are_none_or_too_deep_are_not_appended(served: Served, store: Store) -> None:
    deep = b'{"type":"metrics","seq":0,"time":1.0,"values":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001
    for body in (deep, b"\0\n", b'{"type":"metrics"', b"[]\n" * 1000):
        answer = served.client.post(
            "api/runs/attacked/events",
            params={"at": 0},
            content=body,
            headers={"content-type": "application/x-ndjson"},
        )
        assert answer.status_code == 400
    assert not list(store.root.glob("attacked/events*.jsonl"))


# Too slow, and too many


def test_a_head_that_comes_too_slowly_is_answered_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.settimeout(30)
        sock.sendall(b"GET /api/health HT")
        answer = sock.recv(65536)
    assert status_of(answer) == 408
    assert b"application/problem+json" in answer


def test_a_second_request_that_comes_too_slowly_is_cut_off_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.settimeout(30)
        sock.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status_of(sock.recv(65536)) == 200
        sock.sendall(b"GET /api/heal")
        assert status_of(sock.recv(65536)) == 408


def test_a_connection_that_says_nothing_is_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.settimeout(30)
        assert sock.recv(1) == b""


@pytest.mark.parametrize("token", [True, False], ids=["let in", "refused"])
def test_a_body_that_trickles_is_cut_off(
    served: Served, writer: Writer, monkeypatch: pytest.MonkeyPatch, token: bool
) -> None:
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.5)
    key = f"X-API-Key: {served.address.token}\r\n" if token else ""
    head = (
        f"POST /api/runs/{writer.run.id}/notes HTTP/1.1\r\nHost: localhost\r\n{key}"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.settimeout(30)
        sock.sendall(head.encode())
        assert send_on(sock, [b" "] * 600, pause=0.05) < 600


# A training whose files are few: the connections that a stranger makes must leave it some.
FEW_FILES = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
import livecb
from livecb.sinks import Server
run = livecb.init(sinks=[Server(port=0, mode="thread", quiet=True)], capture=None, system_interval=0)
port = int(run.url.split(":")[2].partition("/")[0])
print(port, flush=True)
input()
files = [open(__file__ if "__file__" in globals() else sys.executable) for _ in range(40)]
run.log({"loss": 1.0})
run.finish()
print("finished", run.folder, flush=True)
"""


def test_connections_of_strangers_leave_a_training_its_files(store: Store) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", FEW_FILES]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ})
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(process.stdout.readline())
    strangers = []
    for _ in range(400):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
        strangers.append(sock)
    time.sleep(0.5)
    said, _ = process.communicate("\n", timeout=60)
    for sock in strangers:
        sock.close()
    assert process.returncode == 0
    folder = Path(said.split(maxsplit=1)[1].strip())
    assert json.loads((folder / "events.jsonl").read_bytes().splitlines()[-1])["type"] == "run_ended"


def test_how_many_may_connect_follows_from_the_files_there_are() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most_connections(alone=False) <= max(8, soft // 2)
    assert most_connections(alone=True) <= max(8, hard // 2) or hard == resource.RLIM_INFINITY
    assert most_connections(alone=True) <= 8192


# Frames


def frame(opcode: int, data: bytes, *, last: bool = True, masked: bool = True) -> bytes:
    size, mask = len(data), 0x80 if masked else 0
    head = bytes([(0x80 if last else 0) | opcode])
    head += bytes([mask | size]) if size < 126 else bytes([mask | 126]) + struct.pack(">H", size)
    return head + (b"\0\0\0\0" if masked else b"") + data


FRAMES = {
    "not masked": frame(1, b"hi", masked=False),
    "no such opcode": frame(5, b"hi"),
    "reserved bits": bytes([0xF1, 0x80, 0, 0, 0, 0]),
    "not utf-8": frame(1, b"\xff\xfe"),
    "too long": frame(1, b"a" * 65_000)
    + frame(1, b"a" * 65_535)
    + bytes([0x81, 0xFF])
    + struct.pack(">Q", 1 << 62),
    "too long in parts": frame(1, b"a" * 60_000, last=False) + frame(0, b"a" * 60_000),
    "too many parts": frame(1, b"", last=False) + frame(0, b"", last=False) * 5000,
    "a part of nothing": frame(0, b"a"),
    "a long ping": frame(9, b"a" * 126),
    "a wrong end": frame(8, struct.pack(">H", 1)),
}


@pytest.mark.parametrize("data", FRAMES.values(), ids=FRAMES)
def test_frames_that_are_none_end_their_connection_alone(served: Served, writer: Writer, data: bytes) -> None:
    with upgraded(served, writer) as sock:
        sock.sendall(data)
        ended(sock)


def test_pings_whose_answers_nobody_reads_do_not_pile_up(served: Served, writer: Writer) -> None:
    with upgraded(served, writer) as sock:
        assert send_on(sock, [frame(9, b"a" * 125) * 1000] * 2000, pause=0) < 1000


def upgraded(served: Served, writer: Writer) -> socket.socket:
    sock = socket.create_connection((served.address.host, served.address.port))
    sock.settimeout(20)
    head = (
        f"GET /api/runs/{writer.run.id}/events?cursor=end HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        f"X-API-Key: {served.address.token}\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    sock.sendall(head.encode())
    assert sock.recv(4096).startswith(b"HTTP/1.1 101 ")
    return sock


def ended(sock: socket.socket) -> None:
    try:
        while sock.recv(65536):
            pass
    except ConnectionError:
        pass


# Names

NAMES = [
    "..",
    "../..",
    "..\\..",
    "%2e%2e%2f%2e%2e",
    "/etc/passwd",
    "C:\\Windows\\win.ini",
    "a/../../b",
    "a\0b",
    ".token",
    ".server.log",
    "CON",
    "a" * 5000,
    "ａ．．／ｂ",
    "\u202egnp.exe",
    "a\r\nSet-Cookie: owned=1",
    "a\x1b[31mb",
    "~root",
    "$(id)",
    "'; DROP TABLE runs; --",
    "<script>alert(1)</script>",
    "\ud7ff\uffff",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_leads_nowhere_and_into_no_header(
    served: Served, writer: Writer, store: Store, name: str
) -> None:
    word, run = quote(name, safe=""), writer.run.id
    client, digest = served.client, kept_file(writer)
    asked = [
        client.get(f"api/runs/{word}"),
        client.get(f"api/runs/{word}/events"),
        client.get(f"r/{word}"),
        client.get(f"{word}"),
        client.get(f"assets/{word}"),
        client.get(f"api/runs/{run}/files/{word}"),
        client.get(f"api/runs/{run}/files/{digest}", params={"name": name}),
        client.get(f"api/runs/{run}/checkpoints/{word}"),
        client.get(f"api/baselines/{word}"),
        client.get("api/runs", params={"search": name, "project": name, "tag": name, "sort": name}),
        client.get(f"api/runs/{run}/series", params={"name": name}),
        client.get(f"api/runs/{run}/export", params={"format": name}),
        client.get("api/stream", params={"runs": name}),
        client.get(f"api/runs/{run}/events", params={"cursor": name}),
        client.get(f"api/runs/{run}/compare", params={"baseline": name, "other": name}),
        client.delete(f"api/runs/{word}"),
        client.post(f"api/trash/{word}"),
        client.delete(f"api/trash/{word}"),
        client.post("api/baselines", json={"name": name, "run": run}),
        client.post(
            f"api/runs/{word}/events",
            params={"at": 0, "part": name},
            content=b"",
            headers={"content-type": "application/x-ndjson"},
        ),
    ]
    for answer in asked:
        said = f"{answer.request.method} {answer.request.url}"
        assert answer.status_code < 500, said
        assert "owned" not in answer.headers.get("set-cookie", ""), said
        assert (served.address.token or "") not in answer.text, said
        assert "root:x:" not in answer.text, said
        assert answer.headers["x-content-type-options"] == "nosniff", said
        assert "content-security-policy" in answer.headers, said
        html = answer.headers.get("content-type", "").startswith("text/html")
        assert not html or "<script>alert" not in answer.text, said


def test_a_link_in_the_store_leads_out_of_it_for_nobody(
    served: Served, writer: Writer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("what is nobody's business")
    digest = "0" * 64
    link = writer.run.folder / "files" / digest
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(secret)
    try:
        answer = served.client.get(f"api/runs/{writer.run.id}/files/{digest}")
        assert answer.status_code == 404
        writer.say(ev.Artifact, name="kept", file=ev.FileRef(digest, "secret", 5, "text/plain"))
        answer = served.client.get(f"api/runs/{writer.run.id}/checkpoints/{writer.seq - 1}")
        assert (answer.status_code, "its copy is gone" in answer.text) == (404, True)
    finally:
        link.unlink()


def kept_file(writer: Writer) -> str:
    return writer.run.add_file(
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "a.svg", "image/svg+xml"
    ).hash


def test_a_websocket_that_is_refused_or_given_up_is_no_line_in_the_log(served: Served) -> None:
    shake = "GET /api/runs/x/events HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    shake += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for more in ("Origin: http://evil.example\r\n", ""):
        assert status_of(ask(served, f"{shake}{more}\r\n".encode())) in (403, 404)
    with socket.create_connection((served.address.host, served.address.port)) as sock:
        sock.sendall(f"{shake}Host: 127.0.0.1\r\n\r\n".encode())


def test_what_the_app_itself_is_given_is_bounded_too() -> None:
    def scope(path: str = "/", query: bytes = b"", headers: int = 1) -> dict[str, object]:
        return {"path": path, "query_string": query, "headers": [(b"a", b"b")] * headers}

    assert check_head(scope()) is None
    for wrong, status in (
        (scope("/" * 40_000), 414),
        (scope(query=b"a" * 40_000), 414),
        (scope(headers=101), 431),
    ):
        problem = check_head(wrong)
        assert problem is not None
        assert problem.status == status


def test_a_thousand_wrong_requests_leave_no_connection_behind(served: Served) -> None:
    for _ in range(300):
        with socket.create_connection((served.address.host, served.address.port)) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nnonsense")
    until(lambda: served.client.get("api/health").status_code == 200)
