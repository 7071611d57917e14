"""What the page's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from browsing import CHROMIUM, FLAGS, Server, TrainerProcess, Watched
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


@pytest.fixture
def server(store: Store, free_port: int) -> Iterator[Server]:
    serving = Server(store.root, free_port)
    serving.start()
    yield serving
    serving.kill()


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
