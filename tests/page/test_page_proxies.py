"""The page behind real proxies, as they are set up by default, and worse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jupyter_server_proxy
import pytest
from browsing import ALONE, Server, TrainerProcess, Watched, port_of_nobody, wait_for, wait_for_steps
from playwright.sync_api import Browser, Page

from nginx import NGINX, proxying, wait_until_there

BLOCKS = """
    server {
        listen 127.0.0.1:{port};
        location / { proxy_pass http://127.0.0.1:{upstream}; }
        location /held/back/ {
            proxy_pass http://127.0.0.1:{upstream}/;
            {hold}
        }
        location ~ ^/sockets/(?<below>api/.*events|api/stream)$ {
            error_page 418 = @socket;
            if ($http_upgrade) { return 418; }
            proxy_pass http://127.0.0.1:{upstream}/$below$is_args$args;
            {hold}
        }
        location @socket {
            rewrite ^/sockets/(.*)$ /$1 break;
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
        location /sockets/ { proxy_pass http://127.0.0.1:{upstream}/; }
    }
"""

HOLD = "proxy_ignore_headers X-Accel-Buffering; gzip on; gzip_types text/event-stream; gzip_min_length 1;"
"""Compressing what streams, and not to be told: nothing comes out before much has gone in."""


@dataclass
class Proxied:
    """A server with a training, and a proxy before it."""

    server: Server
    trainer: TrainerProcess
    steps: int
    address: str

    def train(self, steps: int) -> None:
        self.trainer.tell("step", steps)
        self.steps += steps

    def url(self, prefix: str, run: bool = True) -> str:
        inner = self.server.url(self.trainer.run if run else "")
        return inner.replace(self.server.address, self.address + prefix)

    def shows_all(self, page: Page) -> None:
        wait_for_steps(page, "train/loss", [*range(0, self.steps, 2)])


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, TrainerProcess]]:
    """What stands behind the proxies."""
    folder = tmp_path_factory.mktemp("behind")
    server = Server(folder / "store")
    server.folder.mkdir()
    server.start()
    trainer = TrainerProcess(server.folder, "--steps", "40")
    yield server, trainer
    trainer.kill()
    server.kill()


@pytest.fixture(scope="module")
def nginx(
    behind: tuple[Server, TrainerProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    server, trainer = behind
    blocks = BLOCKS.replace("{upstream}", str(server.port)).replace("{hold}", HOLD)
    with proxying(tmp_path_factory.mktemp("nginx"), blocks, "/api/health") as address:
        yield Proxied(server, trainer, 40, address + "/")


@pytest.fixture(scope="module")
def jupyter(
    behind: tuple[Server, TrainerProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """A Jupyter server whose proxy shows what listens on this machine under `/proxy/PORT/`."""
    server, trainer = behind
    folder, port = tmp_path_factory.mktemp("jupyter"), port_of_nobody()
    environment = {
        **os.environ,
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder),
        "JUPYTER_DATA_DIR": str(folder),
    }
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=inside"]
    command += [f"--ServerApp.root_dir={folder}", "--ServerApp.jpserver_extensions=jupyter_server_proxy=True"]
    log = folder / "jupyter.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment, cwd=folder)
    address = f"http://127.0.0.1:{port}/"
    wait_until_there(process, address + "api", log)
    yield Proxied(server, trainer, 40, address)
    process.send_signal(signal.SIGKILL)
    process.wait(30)


@pytest.fixture
def through(browser: Browser) -> Iterator[Callable[[Proxied], Watched]]:
    watching: list[Watched] = []

    def watch(proxied: Proxied) -> Watched:
        watching.append(Watched(browser, proxied.address))
        return watching[-1]

    yield watch
    for each in watching:
        each.close()
        assert each.foreign == [], "the page asked another host"
        assert each.errors == [], "the browser's console holds errors"


Through = Callable[[Proxied], Watched]


def test_nginx_as_it_comes_lets_the_stream_through(nginx: Proxied, through: Through) -> None:
    page = through(nginx).open(nginx.url(""))
    wait_for(page, "livecb.stream().via === 'stream'")
    nginx.train(20)
    nginx.shows_all(page)


def test_a_proxy_that_holds_streams_back_is_polled_through(nginx: Proxied, through: Through) -> None:
    page = through(nginx).open(nginx.url("held/back/"))
    page.locator("header .badge", has_text="live by polling").wait_for()
    nginx.train(20)
    nginx.shows_all(page)
    page.get_by_text(f"step {nginx.steps - 2}").first.wait_for()
    assert page.evaluate("livecb.stream()") == {"via": "poll", "shared": True}
    assert "holds streams back" in (page.locator("header .badge").get_attribute("title") or "")


def test_several_runs_and_the_list_are_polled_through_too(nginx: Proxied, through: Through) -> None:
    other = TrainerProcess(nginx.server.folder, "--steps", "30")
    page = through(nginx).open(nginx.url("held/back/"))
    wait_for(page, "livecb.link().kind === 'polling'")
    second, listing = page.context.new_page(), page.context.new_page()
    second.goto(f"{nginx.address}held/back/r/{other.run}")
    listing.goto(f"{nginx.address}held/back/")
    nginx.train(20)
    other.tell("step", 20)
    nginx.shows_all(page)
    wait_for_steps(second, "train/loss", [*range(0, 50, 2)])
    wait_for(listing, "livecb.link().kind === 'polling' && livecb.rows().length >= 2")
    other.tell("end", "completed")
    listing.locator(f"[data-run='{other.run}'] .chip", has_text="completed").wait_for()
    second.locator(".chip[data-status=completed]").wait_for()
    other.kill()


def test_where_websockets_come_through_the_page_goes_over_to_one(nginx: Proxied, through: Through) -> None:
    page = through(nginx).open(nginx.url("sockets/"))
    wait_for(page, "livecb.stream().via === 'socket'")
    nginx.train(20)
    nginx.shows_all(page)
    nginx.trainer.tell("log", 30)
    page.get_by_role("log", name="Log lines").get_by_text("line 29 of 30").wait_for()
    wait_for(page, "livecb.logs().count === livecb.state().counts.log")
    assert "WebSocket" in (page.locator("header .badge").get_attribute("title") or "")


def test_many_tabs_without_a_shared_worker_are_polled_through(nginx: Proxied, through: Through) -> None:
    first = through(nginx).open("about:blank")
    first.context.add_init_script(ALONE)
    first.goto(nginx.url("held/back/"))
    pages = [first, *(first.context.new_page() for _ in range(7))]
    for page in pages[1:]:
        page.goto(nginx.url("held/back/").partition("?")[0])
    nginx.train(20)
    for page in pages:
        page.bring_to_front()
        nginx.shows_all(page)
        wait_for(page, "livecb.link().kind === 'polling'")


def test_a_jupyter_server_shows_the_page_under_its_prefix(jupyter: Proxied, through: Through) -> None:
    prefix = f"proxy/{jupyter.server.port}/"
    page = through(jupyter).open(f"{jupyter.address}api/status?token=inside")
    page.goto(jupyter.url(prefix))
    wait_for(page, "['live', 'polling'].includes(livecb.link().kind)")
    jupyter.steps = int(page.evaluate("livecb.state().step")) + 2
    jupyter.train(20)
    jupyter.shows_all(page)
    page.goto(f"{jupyter.address}{prefix}")
    page.locator(f"[data-run='{jupyter.trainer.run}']").click()
    # The list was live, too: only a run has a state.
    wait_for(page, "livecb.state() && ['live', 'polling'].includes(livecb.link().kind)")
    assert page.url.endswith(f"/{prefix}r/{jupyter.trainer.run}")


def test_the_proxies_are_the_real_ones() -> None:
    assert "nginx version" in subprocess.run([NGINX, "-v"], capture_output=True, text=True, timeout=30).stderr
    assert Path(jupyter_server_proxy.__file__).exists()
