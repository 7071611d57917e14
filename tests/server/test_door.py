"""How a server is reached: in the clear by this machine alone, by TLS, under a prefix, behind a proxy."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from watching import Served, Writer, take
from websockets.sync.client import connect

import livecb
from livecb.client import Client
from livecb.errors import LivecbWarning, ServerError
from livecb.server import launch
from livecb.server.door import Door, is_loopback, parse_prefix
from livecb.sinks import Server
from livecb.store import Store


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> Path:
    """A certificate for this machine, with its key, in one file."""
    path = tmp_path / "box.pem"
    authority.issue_cert("127.0.0.1", "localhost", "::1").private_key_and_cert_chain_pem.write_to_path(
        str(path)
    )
    return path


@contextmanager
def serving(store: Store, verify: ssl.SSLContext | bool = True, **door: object) -> Iterator[Served]:
    server = launch.ThreadServer(store, Door.of(**door), port=0)  # type: ignore[arg-type]
    address = server.start()
    client = httpx.Client(
        base_url=address.url().partition("?")[0],
        headers={"x-api-key": address.token or ""},
        timeout=20,
        verify=verify,
    )
    try:
        yield Served(address, client)
    finally:
        client.close()
        server.stop()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def view(store: Store, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    store.root.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "livecb",
        "view",
        str(store.root),
        "--no-browser",
        "--port",
        "0",
        *arguments,
    ]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **environment})


# In the clear


def test_view_does_not_start_where_a_token_would_go_over_the_network_in_the_clear(store: Store) -> None:
    process = view(store, "--host", "0.0.0.0")
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    for cure in ("ssh -L 0:127.0.0.1:0", "--ssl-certfile", "--insecure"):
        assert cure in said
    assert not list(store.root.glob(".server-*.json"))


def test_view_starts_in_the_clear_when_that_is_said(store: Store) -> None:
    process = view(store, "--host", "0.0.0.0", LIVECB_INSECURE="1")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("livecb: http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "203.0.113.5", "no-such-name.invalid"])
def test_what_other_machines_reach_is_not_served_in_the_clear(host: str) -> None:
    with pytest.raises(ServerError, match="--insecure"):
        Door.of(host).check(7117)
    Door.of(host, insecure=True).check(7117)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_loopback_needs_neither_tls_nor_a_word(host: str) -> None:
    assert is_loopback(host)
    Door.of(host).check(7117)


@pytest.mark.parametrize("mode", ["thread", "process"])
def test_a_training_whose_server_would_be_open_goes_on_and_is_served_on_this_machine(
    mode: str, free_port: int
) -> None:
    with pytest.warns(LivecbWarning, match="on this machine only.*--ssl-certfile"):
        sink = Server(port=free_port, host="0.0.0.0", mode=mode, quiet=True, linger=0.1)  # type: ignore[arg-type]
        run = livecb.init(sinks=[sink], capture=None, system_interval=0)
        url = run.url
    assert url is not None
    run.log({"loss": 1.0})
    found = launch.find(run.folder.parent) if mode == "process" and run.folder else None
    assert found is None or found.host == "127.0.0.1"
    assert httpx.get(url, follow_redirects=True).status_code == 200
    run.finish()


def test_a_training_in_an_environment_that_makes_no_sense_is_served_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIVECB_PATH_PREFIX", "/api/../x")
    with pytest.warns(LivecbWarning, match="expected a path prefix"):
        run = livecb.init(sinks=[Server(port=0, mode="thread", quiet=True)], capture=None, system_interval=0)
        assert run.url is not None
    run.finish()


# TLS


def test_all_of_it_goes_by_tls(
    store: Store, certificate: Path, authority: trustme.CA, writer: Writer
) -> None:
    trust = trusting(authority)
    with serving(store, trust, ssl_certfile=certificate) as served:
        assert served.address.url().startswith("https://127.0.0.1:")
        assert [row["run"] for row in served.get("api/runs")["runs"]] == [writer.run.id]
        with served.stream(served.events(writer.run.id)) as stream:
            assert take(stream, 1)[0].json["type"] == "run_started"
        socket = f"wss://127.0.0.1:{served.address.port}/{served.events(writer.run.id)}?token={served.address.token}"
        with connect(socket, ssl=trust, open_timeout=30) as websocket:
            assert '"connected"' in websocket.recv(timeout=20)
        cookie = served.client.get(served.address.url(), follow_redirects=False).headers["set-cookie"]
        assert "secure" in cookie.lower()
        own = f"https://127.0.0.1:{served.address.port}"
        assert served.client.get("api/runs", headers={"origin": own}).status_code == 200
        clear = served.client.get("api/runs", headers={"origin": own.replace("https", "http")})
        assert clear.status_code == 403  # a page that anyone on the way may have written
        with pytest.raises(httpx.HTTPError):
            httpx.get(own.replace("https", "http"), timeout=20)


def test_the_python_client_finds_a_server_by_tls(
    store: Store, certificate: Path, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Writer(store).start().end()
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(str(root))
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    process = view(store, "--ssl-certfile", str(certificate), "--host", "::1")
    assert process.stdout is not None
    url = process.stdout.readline().removeprefix("livecb: ").strip()
    try:
        assert url.startswith("https://[::1]:")
        for address in (url, None):
            with Client(address) if address else Client() as client:
                assert len(client.list()) == 1
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_a_key_with_a_password_is_opened_by_a_file_or_the_environment(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = serialization.load_pem_private_key(certificate.read_bytes(), None)
    locked, word = tmp_path / "locked.key", tmp_path / "password"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    word.write_text("open sesame\n")
    files = {"ssl_certfile": certificate, "ssl_keyfile": locked}
    with pytest.raises(ServerError, match=r"locked\.key is encrypted.*--ssl-keyfile-password-file"):
        Door.of(**files).check(7117)  # type: ignore[arg-type]
    Door.of(**files, ssl_keyfile_password_file=word).check(7117)  # type: ignore[arg-type]
    monkeypatch.setenv("LIVECB_SSL_KEYFILE_PASSWORD", "open sesame")
    Door.of(**files).check(7117)  # type: ignore[arg-type]
    monkeypatch.setenv("LIVECB_SSL_KEYFILE_PASSWORD", "wrong")
    with pytest.raises(ServerError, match=r"password does not open the key .*locked\.key"):
        Door.of(**files).check(7117)  # type: ignore[arg-type]


def test_a_certificate_that_cannot_be_used_is_named(
    certificate: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    other, junk = tmp_path / "other.key", tmp_path / "junk.pem"
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(str(other))
    junk.write_text("not a certificate")
    for files, said in (
        ({"ssl_certfile": tmp_path / "none.pem"}, r"cannot read the certificate .*none\.pem: No such file"),
        ({"ssl_certfile": certificate, "ssl_keyfile": tmp_path / "no.key"}, r"cannot read the key .*no\.key"),
        ({"ssl_certfile": certificate, "ssl_keyfile": other}, r"other\.key is not that of .*box\.pem"),
        ({"ssl_certfile": junk}, r"cannot use the certificate .*junk\.pem"),
        ({"ssl_keyfile": other}, "no certificate: add --ssl-certfile"),
    ):
        with pytest.raises(ServerError, match=said):
            Door.of(**files).check(7117)  # type: ignore[arg-type]


# Who finds whom


def test_a_server_that_is_reached_in_another_way_is_not_taken_for_the_one_that_is_asked_for(
    store: Store, start_server: Callable[..., Served], free_port: int
) -> None:
    plain = start_server().address
    guarded = Door.of(allowed_origins=["http://localhost:5173"])
    assert launch.find(store.root, free_port, guarded) is None
    other = launch.ensure(store.root, door=guarded, port=free_port, linger=60)
    assert other.port != plain.port
    assert launch.find(store.root, free_port, guarded) == other
    assert launch.find(store.root, free_port) == plain


# Prefixes


@pytest.mark.parametrize("prefix", ["/livecb", "livecb/", "/users/ada/livecb"])
def test_a_prefix_is_before_every_address(store: Store, writer: Writer, prefix: str) -> None:
    with serving(store, path_prefix=prefix) as served:
        whole = f"/{prefix.strip('/')}"
        assert f"{whole}/r/{writer.run.id}?token=" in served.address.url(writer.run.id)
        base = f"http://127.0.0.1:{served.address.port}"
        token = {"x-api-key": served.address.token or ""}
        for root in (f"{base}{whole}", base):  # left there by a proxy, or taken away
            for path in ("/", "/api/runs", f"/r/{writer.run.id}", f"/api/runs/{writer.run.id}/events"):
                assert httpx.get(root + path, headers=token).status_code == 200
        with httpx.Client(follow_redirects=True) as browser:
            opened = browser.get(served.address.url(writer.run.id), headers={"accept": "text/html"})
            assert opened.url.path == f"{whole}/r/{writer.run.id}"
            assert [cookie.path for cookie in browser.cookies.jar] == [whole]
            folder = browser.get(f"{base}{whole}?a=1")
            assert (folder.url.path, folder.url.query) == (f"{whole}/", b"a=1")
        with served.stream(served.events(writer.run.id)) as stream:
            assert take(stream, 1)[0].json["type"] == "run_started"


@pytest.mark.parametrize(
    "prefix", ["/api", "/r/x", "/a//b", "/a/../b", "/a b", "/a?b", "//evil.example", "/é"]
)
def test_what_is_no_prefix_is_refused(prefix: str) -> None:
    if prefix == "//evil.example":  # slashes around it mean nothing
        assert parse_prefix(prefix) == "/evil.example"
        return
    with pytest.raises(ServerError, match="prefix"):
        Door.of(path_prefix=prefix)


# Proxies


def test_headers_of_a_trusted_proxy_are_believed_and_of_nobody_else(store: Store, writer: Writer) -> None:
    said = {
        "x-forwarded-proto": "https",
        "x-forwarded-host": "lab.example",
        "x-forwarded-prefix": "/deep",
        "origin": "https://lab.example",
    }
    with serving(store) as served:
        assert served.client.get("api/runs", headers=said).status_code == 200
        opened = served.client.get("", params={"token": served.address.token}, headers=said)
        assert "secure" in opened.headers["set-cookie"].lower()
        assert served.client.get("deep", headers=said).headers["location"] == "deep/"
    with serving(store, trusted_proxies=["10.0.0.0/8"]) as served:
        assert served.client.get("api/runs", headers=said).status_code == 403
        opened = served.client.get("", params={"token": served.address.token}, headers={**said, "origin": ""})
        assert "secure" not in opened.headers.get("set-cookie", "").lower()


def test_a_forwarded_host_opens_no_door_that_the_host_does_not(store: Store) -> None:
    with serving(store) as served:
        answer = served.client.get(
            "api/runs", headers={"host": "evil.example", "x-forwarded-host": "localhost"}
        )
        assert answer.status_code == 421


@pytest.mark.parametrize("prefix", ["//evil.example", "/../..", "/%0d%0a", "/api", "x" * 9000])
def test_a_forwarded_prefix_that_is_none_counts_for_nothing(store: Store, prefix: str) -> None:
    with serving(store) as served:
        answer = served.client.get("api/runs", headers={"x-forwarded-prefix": prefix})
        assert answer.status_code == 200


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ServerError, match=re.escape("such as 10.0.0.7 or 10.0.0.0/24")):
        Door.of(trusted_proxies=["proxy.example"])
