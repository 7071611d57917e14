"""Real servers, a run of each kind, and the client in Node and in Chromium."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "server"), str(TESTS / "page"), str(TESTS / "client_ts")]

from browsing import CHROMIUM, FLAGS, Server
from scripting import Node, Script, Tab
from watching import Writer

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
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.close()


@pytest.fixture(params=["node", "chromium"])
def script(request: pytest.FixtureRequest, server: Server, store: Store) -> Iterator[Script]:
    """Where the client runs, with `client` for the server: opened by a token in a header."""
    if request.param == "node":
        script: Script = request.getfixturevalue("node")
    else:
        page = request.getfixturevalue("browser").new_page()
        page.goto(server.address + "client.js")
        script = Tab(page, server.address + "client.js")
    script.run(
        f"globalThis.client = new livecb.Client('{server.address}', {{token: '{token_of(store)}'}}), null"
    )
    yield script
    if isinstance(script, Tab):
        script.page.close()
