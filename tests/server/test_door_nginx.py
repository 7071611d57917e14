"""Behind a real nginx, under a path: one location takes the prefix away, one leaves it there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from watching import Served, Writer, take
from websockets.sync.client import connect

from livecb.client import Client
from livecb.server import launch
from livecb.server.door import Door
from livecb.store import Store
from nginx import NGINX, command, proxying

MAP = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }"
BLOCKS = """
    server {
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Proto https;
        proxy_read_timeout 1h;
        location /livecb/ { proxy_pass http://127.0.0.1:{upstream}; }
        location /lab/trainings/ {
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Prefix /lab/trainings;
            proxy_pass http://127.0.0.1:{upstream}/;
        }
        location /bare/ { proxy_pass http://127.0.0.1:{upstream}/; }
    }
"""
ROOTS = ["/livecb/", "/lab/trainings/", "/bare/"]


@dataclass
class Proxied:
    """A server behind nginx."""

    store: Store
    writer: Writer
    token: str
    base: str

    def served(self, root: str) -> Served:
        client = httpx.Client(base_url=self.base + root, headers={"x-api-key": self.token}, timeout=20)
        return Served(launch.Address("127.0.0.1", 0, self.token), client)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("nginx")
    store = Store(folder / "store")
    writer = Writer(store).live().start()
    writer.metrics(50)
    server = launch.ThreadServer(store, Door(path_prefix="/livecb"), port=0)
    address = server.start()
    blocks = MAP + BLOCKS.replace("{upstream}", str(address.port))
    with proxying(folder, blocks, "/bare/api/health") as base:
        yield Proxied(store, writer, address.token or "", base)
    server.stop()
    writer.die()


@pytest.mark.parametrize("root", ROOTS)
def test_the_printed_path_opens_the_page_and_keeps_the_cookie_to_itself(proxied: Proxied, root: str) -> None:
    run = proxied.writer.run.id
    with httpx.Client(base_url=proxied.base, headers={"accept": "text/html"}) as browser:
        # By hand: the cookie is for HTTPS, which only the proxy is said to speak.
        answer = browser.get(f"{root}r/{run}", params={"token": proxied.token})
        while answer.status_code == 303 and "set-cookie" not in answer.headers:
            answer = browser.get(answer.url.join(answer.headers["location"]))
        cookie = answer.headers["set-cookie"]
        assert "secure" in cookie.lower()
        assert "path=" not in cookie.lower()  # then the browser takes the folder that it sees
        assert answer.url.path == root
        on = answer.url.join(answer.headers["location"])
        assert on.path == f"{root}r/{run}"
        opened = browser.get(on, headers={"cookie": cookie.partition(";")[0]})
        assert opened.status_code == 200
        for script in ("api/runs", f"api/runs/{run}", f"api/runs/{run}/series"):
            assert browser.get(root + script, headers={"cookie": cookie.partition(";")[0]}).status_code == 200
        own = {"origin": proxied.base.replace("http:", "https:"), "sec-fetch-site": "same-origin"}
        named = browser.patch(
            f"{root}api/runs/{run}", json={"name": root}, headers={"x-api-key": proxied.token, **own}
        )
        assert named.status_code == 200
        assert browser.get(f"{root}api/runs").status_code == 401


@pytest.mark.parametrize("root", ROOTS)
def test_events_come_through_at_once(proxied: Proxied, root: str) -> None:
    served, writer = proxied.served(root), proxied.writer
    with served.stream(served.events(writer.run.id), cursor="end") as stream:
        assert next(message for message in stream if message.data).event == "connected"
        for _ in range(3):  # one line each: nothing on the way waits for more
            began = time.monotonic()
            writer.metrics(1)
            assert take(stream, 1)[0].json["step"] == writer.seq - 1
            assert time.monotonic() - began < 15
    served.client.close()


@pytest.mark.parametrize("root", ROOTS)
def test_a_websocket_comes_through(proxied: Proxied, root: str) -> None:
    address = proxied.base.replace("http:", "ws:") + f"{root}api/runs/{proxied.writer.run.id}/events"
    origin = proxied.base.replace("http:", "https:")
    with connect(
        address, additional_headers={"x-api-key": proxied.token}, origin=origin, open_timeout=30
    ) as socket:  # type: ignore[arg-type]
        assert '"connected"' in socket.recv(timeout=20)
        assert '"run_started"' in socket.recv(timeout=20)


@pytest.mark.parametrize("root", ROOTS)
def test_the_python_client_follows_through_it(proxied: Proxied, root: str) -> None:
    with Client(proxied.base + root, token=proxied.token) as client:
        assert [row.run for row in client.list()] == [proxied.writer.run.id]
        assert client.get(proxied.writer.run.id).run == proxied.writer.run.id


def test_a_page_elsewhere_is_refused_behind_a_proxy_too(proxied: Proxied) -> None:
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
        headers = {"x-api-key": proxied.token, "origin": origin}
        assert httpx.get(f"{proxied.base}/livecb/api/runs", headers=headers).status_code == 403


def test_nginx_is_the_real_one() -> None:
    said = subprocess.run([NGINX, "-v"], capture_output=True, text=True, timeout=30)
    assert "nginx version" in said.stderr


def test_the_config_of_the_guide_is_one_that_nginx_takes(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "remote.md").read_text()
    blocks = [block.partition("```")[0] for block in guide.split("```nginx\n")[1:]]
    assert blocks
    (tmp_path / "logs").mkdir()
    checking = [*command(tmp_path, "\n".join(blocks)), "-t"]
    checked = subprocess.run(checking, capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stderr
