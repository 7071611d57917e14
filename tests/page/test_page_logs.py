"""The console in a real browser: its end at once, any other part on demand, and what is sought in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import PHONE, Server, TrainerProcess, Watched, wait_for
from playwright.sync_api import Browser, Locator, Page

from livecb import events as ev
from livecb.logs.file import FileLog
from livecb.store import Store

Train = Callable[..., TrainerProcess]

LINES = 100_000
BEGAN = 1_795_230_000.0


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server of a run that said a hundred thousand lines, one a second, ten a step; it is over."""
    store = Store(tmp_path_factory.mktemp("loud") / "store")
    run = store.create("20261121-120000-loud-parrot")
    log = FileLog(run.part_path())
    head = ev.encode(ev.RunStarted(seq=0, time=BEGAN, version=ev.VERSION, run=run.id, name="loud"))
    lines = [head, *(ev.encode(said(number)) for number in range(LINES))]
    lines.append(ev.encode(ev.RunEnded(seq=LINES + 1, time=BEGAN + LINES, status="completed")))
    log.append(b"\n".join(lines) + b"\n")
    server = Server(store.root)
    server.start()
    yield server, run.id
    server.kill()


def said(number: int) -> ev.Log:
    message, level = f"line {number} of many", "INFO"
    if number % 25_000 == 100:
        message, level = f"\x1b[31mout of memory\x1b[0m on device {number}\nTraceback", "ERROR"
    if number == 50_007:
        message = "  1%\r 50%\r100% done"
    return ev.Log(seq=number + 1, time=BEGAN + number, step=number // 10, message=message, level=level)


@pytest.fixture
def console(loud: tuple[Server, str], browser: Browser) -> Iterator[Page]:
    server, run = loud
    watching = Watched(browser, server.address)
    page = watching.open(server.url(run), timezone_id="UTC")
    page.get_by_role("tab", name="Log").click()
    page.get_by_role("log", name="Log lines").get_by_text(f"line {LINES - 1} of many").wait_for(
        timeout=60_000
    )
    yield page
    watching.close()
    assert watching.errors == []


def rows_of(page: Page) -> Locator:
    return page.get_by_role("log", name="Log lines")


def test_a_long_log_opens_at_its_end_and_goes_to_any_place(console: Page) -> None:
    assert console.locator(".row").count() < 150, "the page must not hold every line"
    assert console.evaluate("livecb.logs()")["count"] == LINES
    place = console.get_by_label("Go to a time, a step or a line")
    for wanted, number in (("#40001", 40_000), ("7000", 70_000), ("2026-11-21 03:00:10", 10)):
        place.fill(wanted)
        place.press("Enter")
        rows_of(console).get_by_text(f"line {number} of many").wait_for()
    place.fill("some day")
    place.press("Enter")
    console.get_by_text("Expected a time").wait_for()
    rows_of(console).evaluate("rows => { rows.scrollTop = rows.scrollHeight / 2 }")
    rows_of(console).get_by_text("line 50001 of many").wait_for()
    rows_of(console).get_by_text("100% done").wait_for()
    assert console.evaluate("livecb.logs()")["rows"] < 10_000


def test_words_and_expressions_are_found_from_match_to_match(console: Page) -> None:
    field = console.get_by_label("Find in the log")
    field.fill("out of memory")
    console.get_by_text("in 4 lines", exact=True).wait_for(timeout=60_000)
    field.press("Enter")
    current = console.locator(".row.current", has_text="out of memory")
    current.get_by_text("on device 75100").wait_for()
    assert current.locator("mark").inner_text() == "out of memory"
    assert "c1" in (current.locator("span:has(> mark)").get_attribute("class") or "")
    console.get_by_role("button", name="Previous match").click()
    current.get_by_text("on device 50100").wait_for()
    console.get_by_role("button", name="Next match").click()
    console.get_by_text("4 of 4").wait_for()
    console.get_by_role("button", name="Regular expression").click()
    field.fill(r"^line \d*777 of")
    console.get_by_text("in 100 lines", exact=True).wait_for(timeout=60_000)
    field.fill("(")
    console.get_by_text("nterminated").wait_for()


def test_a_level_is_a_log_of_its_own_and_all_of_it_can_be_taken_along(console: Page, tmp_path: Path) -> None:
    console.get_by_label("Level").select_option("ERROR")
    console.get_by_text(f"4 of {LINES:,} lines").wait_for()
    rows_of(console).get_by_text("on device 100").wait_for()
    with console.expect_download() as saved:
        console.get_by_role("button", name="Save", exact=True).click()
    saved.value.save_as(tmp_path / "lines.log")
    text = (tmp_path / "lines.log").read_text().splitlines()
    assert len(text) == 8
    assert text[0].endswith("ERROR out of memory on device 100")
    assert "\x1b" not in "".join(text)
    console.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.get_by_role("button", name="Copy", exact=True).click()
    console.get_by_text("4 lines copied").wait_for()
    assert "on device 75100" in console.evaluate("navigator.clipboard.readText()")


def test_the_log_follows_and_pauses_while_one_reads(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 10)
    page = watched.open(server.url(trainer.run), PHONE)
    # Lines from before the log is open come page by page: one amid a scroll leads back to the end.
    wait_for(page, "livecb.logs().count === wanted", 1)
    trainer.tell("log", 3000)
    wait_for(page, "livecb.logs().count === wanted", 3001)
    rows = page.get_by_role("log", name="Log lines")
    rows.get_by_text("line 2999 of 3000").wait_for()
    rows.evaluate("rows => { rows.scrollTop = 1000 }")
    page.get_by_text("paused while you read").wait_for()
    rows.get_by_text("line 55 of 3000").wait_for()
    place = rows.evaluate("rows => rows.scrollTop")
    trainer.tell("log", 50)
    wait_for(page, "livecb.logs().count === wanted", 3051)
    page.get_by_text("3,051 lines").wait_for()
    assert rows.evaluate("rows => rows.scrollTop") == place
    page.get_by_role("button", name="Follow").click()
    rows.get_by_text("line 49 of 50").wait_for()


def test_a_view_that_is_left_while_its_log_scrolls_breaks_nothing(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 10)
    page = watched.open(server.url(trainer.run))
    trainer.tell("log", 3000)
    wait_for(page, "livecb.logs().count === wanted", 3001)
    for tab in ("Log", "Curves") * 5:
        page.get_by_role("log", name="Log lines").wait_for()
        leave = """tab => {
            document.querySelector("[role=log]").scrollTop = Math.random() * 1000;
            document.getElementById(`tab-${tab}`).click();
        }"""
        page.evaluate(leave, tab)
