"""The page on a phone: made for the thumb."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import PHONE, VIEWS, Everything, Watched
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=30_000)
TOUCH = {"has_touch": True, "is_mobile": True}


@pytest.fixture
def viewer(browser: Browser, everything: Everything) -> Iterator[Watched]:
    watching = Watched(browser, everything.server.address)
    yield watching
    watching.close()
    assert watching.errors == [], "the browser's console holds errors"


SMALL = """least => [...document.querySelectorAll("button, a, select, input:not([type=radio]), [role=tab], summary")].filter(e => {
    const box = (e.closest("label") ?? e).getBoundingClientRect();
    return e.offsetParent && !e.closest(".sr") && box.width > 1 && (box.height < least || box.width < least);
}).map(e => [e.getAttribute("aria-label") || e.textContent.slice(0, 30), Math.round(e.getBoundingClientRect().width), Math.round(e.getBoundingClientRect().height)])"""


def small(page: Page, least: int) -> list[list[object]]:
    found: list[list[object]] = page.evaluate(SMALL, least)
    return found


@pytest.mark.parametrize("name", ["everything", "out of memory", ""])
def test_whatever_is_pressed_is_large_enough_for_a_thumb(
    everything: Everything, viewer: Watched, name: str
) -> None:
    page = viewer.open(everything.url(name), PHONE, **TOUCH)
    page.locator(".chart canvas, .run-row").first.wait_for()
    for view in page.get_by_role("tab").all_inner_texts() or [""]:
        if view:
            page.get_by_role("tab", name=view, exact=True).tap()
            page.locator(VIEWS[view]).first.wait_for()
        assert small(page, 24) == [], view


def test_what_is_pressed_in_a_hurry_stays_under_the_thumb(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"), PHONE, **TOUCH)
    save = page.get_by_role("button", name="Save now")
    save.wait_for()
    page.locator(".happenings").scroll_into_view_if_needed()
    box = save.bounding_box()
    assert box is not None
    assert box["y"] > PHONE[1] * 0.8
    assert box["height"] >= 40


def test_a_finger_sees_what_a_mouse_hovers_for(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"), PHONE, **TOUCH)
    page.locator(".chart canvas").first.wait_for()  # before that, what is tapped may move away
    page.locator("header .badge", has_text="live").tap()
    tip = page.locator(".badge-place .tip", has_text="within a fraction of a second")
    expect(tip).to_be_visible()
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE[0]
    page.locator(".facts").tap()
    expect(tip).to_have_count(0)
    page.get_by_role("button", name="Keys and signs").tap()
    expect(page.get_by_role("dialog")).to_contain_text("a command that was refused")
