"""Real servers, a run of each kind, and the client in Node and in Chromium."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
sys.path.insert(0, str(Path(__file__).parents[1] / "page"))

from browsing import CHROMIUM, FLAGS, Server
from scripting import Node, Script, Tab
from watching import Writer

from livecb.server import launch
from livecb.server.token import token_of
from livecb.store import Store


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def server(store: Store, free_port: int) -> Iterator[Server]:
    """A server process, which can be killed and comes back on its port."""
    serving = Server(store.root, free_port)
    serving.start()
    yield serving
    serving.kill()


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    """A living writer of one run that has said that it began."""
    writer = Writer(store).live().start()
    yield writer
    writer.die()


@pytest.fixture
def address(request: pytest.FixtureRequest, store: Store) -> Iterator[str]:
    """Where a server is: the process, where the test has one, else one in a thread, which starts at once."""
    if "server" in request.fixturenames:
        yield request.getfixturevalue("server").address
        return
    server = launch.ThreadServer(store, port=0)
    yield f"http://127.0.0.1:{server.start().port}/"
    server.stop()


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.close()


@pytest.fixture(params=["node", "chromium"])
def script(request: pytest.FixtureRequest, address: str, store: Store) -> Iterator[Script]:
    """Where the client runs, with `client` for the server: opened by a token in a header."""
    if request.param == "node":
        script: Script = request.getfixturevalue("node")
    else:
        page = request.getfixturevalue("browser").new_page()
        page.goto(address + "client.js")
        script = Tab(page, address + "client.js")
    script.run(f"globalThis.client = new livecb.Client('{address}', {{token: '{token_of(store)}'}}), null")
    yield script
    if isinstance(script, Tab):
        script.page.close()
