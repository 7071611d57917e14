"""A run as one HTML file: opened from a disk, without a network, it shows all that the page does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import DESKTOP, PHONE, TrainerProcess, complaints, wait_for
from playwright.sync_api import Browser, Page, expect

from livecb.server.offline import write_copy
from livecb.store import Store

Open = Callable[..., Page]

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a run with something of every kind, which had not ended."""
    folder = tmp_path_factory.mktemp("copied")
    trainer = TrainerProcess(folder / "store", "--steps", "700")
    for kind, count in (("candidate", 3), ("samples", 60), ("images", 40), ("others", 5), ("log", 1500)):
        trainer.tell(kind, count)
    path = folder / "a run.html"
    with path.open("wb") as file:
        write_copy(Store(folder / "store").run(trainer.run), file)
    trainer.kill()
    return path


@pytest.fixture
def open_copy(browser: Browser, copy: Path) -> Iterator[Open]:
    """Open the copy as a file; whatever else the browser wants fails the test."""
    asked: list[str] = []
    errors: list[str] = []
    contexts = []

    def opened(size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(copy.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert {url for url in asked if not url.startswith(("blob:", "data:"))} <= {copy.as_uri()}, "it asked"
    assert errors == []


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_every_view_shows_the_run_as_it_was(open_copy: Open) -> None:
    page = open_copy()
    page.locator("h1", has_text="digits-mlp").wait_for()
    expect(page.locator("header .badge")).to_have_text("a copy")
    expect(page.locator(".copy-notice")).to_contain_text("A copy of the run as it was on")
    assert page.locator("header .brand[href]").count() == 0, "there is no list of runs to go to"
    wait_for(page, "livecb.counts()['train/loss'] === wanted", 350)  # the state, with the name, comes first
    page.locator("[data-chart=loss] canvas").wait_for()
    page.get_by_role("button", name="log y").click()
    page.wait_for_function("() => location.search !== ''", timeout=30_000)
    tab(page, "Leaderboard")
    page.locator(".board").get_by_text("candidate 3").first.wait_for()
    tab(page, "Samples")
    page.get_by_text("answer 59").wait_for()
    page.get_by_role("button", name="show more of 60").click()
    page.get_by_text("answer 0", exact=True).wait_for()
    tab(page, "Images")
    # Which picture is the last one changes while strips come.
    last = "[...document.querySelectorAll('.frame img')].at(-1)"
    page.wait_for_function(f"() => {last}?.naturalWidth === 8", timeout=30_000)
    tab(page, "Media")
    page.locator("audio").first.wait_for()
    page.get_by_text("text 0 at 4").wait_for()
    tab(page, "Config")
    page.locator(".panel .config").get_by_text("AdamW").first.wait_for()
    tab(page, "Values")
    page.locator("th", has_text="grad_norm").wait_for()


def test_the_log_is_searched_and_filtered_in_the_file(open_copy: Open) -> None:
    page = open_copy()
    tab(page, "Log")
    page.get_by_text("line 1499 of 1500").wait_for()
    page.get_by_label("Find in the log").fill("line 17 of")
    page.get_by_text("in 1 line", exact=True).wait_for()  # until it is found Enter leads nowhere
    page.keyboard.press("Enter")
    page.get_by_text("line 17 of 1500").wait_for()
    page.get_by_label("Level").select_option(label="warnings and up")
    page.get_by_text("line 17 of 1500").wait_for(state="detached")  # the warning stood above it already
    page.get_by_text("1 worker is slower than the others").first.wait_for()


def test_nothing_can_be_asked_of_a_copy(open_copy: Open) -> None:
    page = open_copy()
    page.locator("h1", has_text="digits-mlp").wait_for()
    told = page.locator(".hero .chip").inner_text()
    page.wait_for_timeout(1100)  # a clock would have gone on
    assert page.locator(".hero .chip").inner_text() == told
    for name in ("Pause", "Stop and save", "write a note", "Share, save, be told"):
        assert page.get_by_role("button", name=name).count() == 0
    assert page.evaluate("livecb.link().kind") == "connecting", "it never turns to anybody"


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_axe_accepts_a_copy(open_copy: Open, size: tuple[int, int], scheme: str) -> None:
    page = open_copy(size, scheme)
    page.locator("[data-chart=loss] canvas").wait_for()
    assert complaints(page) == []
