"""Real servers, a run of each kind, and the client in Node and in Chromium."""

from __future__ import annotations

import itertools
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

# One server and one Node.js serve all tests of this folder but those that kill a server.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while it is there, its loop runs in the main thread, and no other can."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.close()


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    """A store, and where a server of it is."""
    store = Store(tmp_path_factory.mktemp("shared"))
    server = launch.ThreadServer(store, port=0)
    yield store, f"http://127.0.0.1:{server.start().port}/"
    server.stop()


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """The store of the server that the test uses."""
    if "server" in request.fixturenames:
        return Store(tmp_path / "store")
    store: Store = request.getfixturevalue("shared")[0]
    return store


@pytest.fixture
def server(store: Store, free_port: int) -> Iterator[Server]:
    """A server process of the test's own, which can be killed and comes back on its port."""
    serving = Server(store.root, free_port)
    serving.start()
    yield serving
    serving.kill()


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """Where the server is."""
    own: Server | None = request.getfixturevalue("server") if "server" in request.fixturenames else None
    address: str = own.address if own else request.getfixturevalue("shared")[1]
    return address


_numbers = itertools.count(1)


@pytest.fixture
def run() -> str:  # type: ignore[override, unused-ignore]
    """The id of a run that no other test has."""
    return f"20260101-{next(_numbers):06}-calm-heron"


@pytest.fixture
def writer(store: Store, run: str) -> Iterator[Writer]:
    """A living writer of one run that has said that it began."""
    writer = Writer(store, run).live().start()
    yield writer
    writer.die()


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
    # What a test left going must not go on in the next one.
    script.run("(globalThis.leave?.(), globalThis.events?.close?.(), globalThis.restore?.(), null)")
    script.run("(globalThis.leave = globalThis.events = globalThis.restore = undefined, null)")
    if isinstance(script, Tab):
        script.page.close()
