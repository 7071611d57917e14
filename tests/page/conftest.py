"""What the page's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, FLAGS, Everything, Server, TrainerProcess, Watched
from playwright.sync_api import Browser, sync_playwright

from livecb.server.pages import STATIC
from livecb.store import Store


@pytest.fixture(scope="session", autouse=True)
def _page_is_built() -> None:
    assert (STATIC / "index.html").exists(), "the page is not built: `pip install -e .` builds it"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while it is there, its loop runs in the main thread, and no other can."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of a module that ask for it: each brings runs of its own, and lets it live."""
    serving = Server(tmp_path_factory.mktemp("served") / "store")
    serving.folder.mkdir()
    serving.start()
    yield serving
    serving.kill()


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """The store of the server that the test uses."""
    if "served" in request.fixturenames:
        return Store(request.getfixturevalue("served").folder)
    return Store(tmp_path / "store")


@pytest.fixture
def server(request: pytest.FixtureRequest, store: Store) -> Iterator[Server]:
    """A server of the test's own, which it may kill; or the one that it shares."""
    if "served" in request.fixturenames:
        yield request.getfixturevalue("served")
        return
    serving = Server(store.root)
    serving.start()
    yield serving
    serving.kill()


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    """Runs that have whatever the page can show, served: for tests that change nothing."""
    serving = Server(tmp_path_factory.mktemp("everything") / "store")
    serving.folder.mkdir()
    told = Everything(serving)
    serving.start()
    yield told
    serving.kill()
    told.kill()


@pytest.fixture
def train(store: Store) -> Iterator[Callable[..., TrainerProcess]]:
    """Start a trainer with so many steps of history."""
    started: list[TrainerProcess] = []

    def start(*arguments: object) -> TrainerProcess:
        started.append(TrainerProcess(store.root, *map(str, arguments)))
        return started[-1]

    yield start
    for trainer in started:
        trainer.kill()


@pytest.fixture
def watched(browser: Browser, server: Server) -> Iterator[Watched]:
    watching = Watched(browser, server.address)
    yield watching
    watching.close()
    assert watching.foreign == [], "the page asked another host"
    assert watching.errors == [], "the browser's console holds errors"
