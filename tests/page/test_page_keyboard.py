"""All of the page without a mouse: to everything, through it and out again, seen and not hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browsing import DESKTOP, PHONE, Everything, Watched, wait_for_ink
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=30_000)


@pytest.fixture
def viewer(browser: Browser, everything: Everything) -> Iterator[Watched]:
    watching = Watched(browser, everything.server.address)
    yield watching
    watching.close()
    assert watching.errors == [], "the browser's console holds errors"


FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  window.seen ??= new Map();
  if (!window.seen.has(e)) window.seen.set(e, window.seen.size);
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const visible = e.closest("label, .seg > *, .tick") ?? e;
  const around = visible.getBoundingClientRect();
  const x = Math.min(innerWidth - 1, Math.max(0, around.left + around.width / 2)), y = around.top + Math.min(around.height, innerHeight) / 2;
  const top = document.elementFromPoint(x, Math.min(innerHeight - 1, Math.max(0, y)));
  const ringed = n => { const s = getComputedStyle(n); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 };
  return {
    number: window.seen.get(e), name: e.getAttribute("aria-label") || e.textContent.trim().slice(0, 40) || e.tagName,
    hidden: !(top && (visible.contains(top) || top.contains(visible) || top.closest(".tip"))) && box.width > 2,
    ring: ringed(e) || ringed(visible) || style.opacity === "0" || e.matches("select, input[type=range], input[type=checkbox]"),
  };
}"""


def walk(page: Page, most: int = 400) -> list[dict[str, object]]:
    """Go by Tab from the first to the last, and see where one is each time."""
    stops: list[dict[str, object]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None or (stops and stop["number"] == 0):
            return stops
        assert not stops or stop["number"] != stops[-1]["number"], f"a trap: {stop}"
        stops.append(stop)
    raise AssertionError(f"no end after {most} stops: {stops[-5:]}")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_tab_goes_through_all_of_it_and_each_stop_is_seen(
    everything: Everything, viewer: Watched, size: tuple[int, int]
) -> None:
    page = viewer.open(everything.url("everything"), size)
    page.locator(".chart .mark").first.wait_for()
    stops = walk(page)
    names = [str(stop["name"]) for stop in stops]
    assert names[0] == "To the content"
    assert "Curves" in names
    assert "What to do with the chart loss" in names
    assert [stop["name"] for stop in stops if stop["hidden"]] == [], (
        "what has the focus is not under something else"
    )
    assert [stop["name"] for stop in stops if not stop["ring"]] == []


def test_keys_go_to_views_and_fields_and_a_closer_look(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"))
    wait_for_ink(page, "loss")  # an empty canvas is there before the curves
    page.keyboard.press("+")
    page.wait_for_function("() => location.search.includes('from=')")
    expect(page.get_by_role("group", name="The part that is shown")).to_be_visible()
    before = page.evaluate("location.href")  # page.url is told of it later
    page.keyboard.press(">")
    page.wait_for_function("before => location.href !== before", arg=before)
    page.keyboard.press("Escape")
    page.wait_for_function("() => !location.search.includes('from=')")
    page.keyboard.press("/")
    expect(page.get_by_label("Find a metric")).to_be_focused()
    page.keyboard.type("u1?")
    expect(page.get_by_label("Find a metric")).to_have_value("u1?")
    page.get_by_label("Find a metric").fill("")
    page.get_by_role("tab", name="Curves").focus()
    page.keyboard.press("6")
    expect(page.get_by_role("tab", name="Log", selected=True)).to_be_visible()
    expect(page).to_have_url(re.compile("view=log"))
    page.reload()
    expect(page.get_by_role("tab", name="Log", selected=True)).to_be_visible()
    page.keyboard.press("u")
    page.locator(".run-row").first.wait_for()
    page.keyboard.press("/")
    expect(page.get_by_label("Find a run")).to_be_focused()


def test_arrows_move_the_cross_hair_of_all_charts_from_point_to_point(
    everything: Everything, viewer: Watched
) -> None:
    page = viewer.open(everything.url("everything"))
    loss, other = (page.locator(f"[data-chart='{name}']") for name in ("loss", "accuracy"))
    for name in ("loss", "accuracy"):
        wait_for_ink(page, name)  # an empty canvas is there before the curves
    loss.get_by_role("img").focus()
    page.keyboard.press("Home")
    expect(loss.locator(".where")).to_have_text("step 0")
    expect(other.locator(".where")).to_have_text("step 0")
    at_first = loss.locator(".legend").inner_text()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowLeft", "End"):
        before = loss.locator(".where").inner_text()
        page.keyboard.press(key)
        expect(loss.locator(".where")).not_to_have_text(before)
        seen.append(int(loss.locator(".where").inner_text().removeprefix("step ").replace(",", "")))
    assert 0 < seen[0] < seen[1] < seen[3] < seen[2] <= seen[4]
    assert loss.locator(".legend").inner_text() != at_first
    page.keyboard.press("Tab")
    expect(loss.locator(".where")).to_have_count(0)


def test_a_mouse_that_cannot_drag_looks_closer_too(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"))
    wait_for_ink(page, "loss")  # an empty canvas is there before the curves
    page.get_by_role("button", name="What to do with the chart loss").click()
    page.get_by_role("menuitem", name="Zoom in").click()
    page.wait_for_function("() => location.search.includes('from=')")
    page.get_by_role("button", name="Later").click()
    page.get_by_role("button", name="Less close").click()
    page.get_by_role("button", name="show all").wait_for(state="detached")
    page.wait_for_function("() => !location.search.includes('from=')")


def test_single_keys_can_be_turned_off_and_stay_off(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"))
    page.locator(".chart canvas").first.wait_for()
    page.keyboard.press("?")
    page.get_by_label("Single keys do something").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.locator(".chart canvas").first.wait_for()
    page.keyboard.press("6")
    page.keyboard.press("?")
    page.get_by_role("button", name="Keys and signs").click()
    expect(page.get_by_role("tab", name="Curves", selected=True, include_hidden=True)).to_have_count(1)
    page.get_by_label("Single keys do something").check()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("6")
    expect(page.get_by_role("tab", name="Log", selected=True)).to_be_visible()


def test_the_corner_says_what_it_means_when_it_is_pressed(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"))
    badge = page.locator("header .badge", has_text="live")
    badge.focus()
    page.keyboard.press("Enter")
    tip = page.locator(".badge-place .tip")
    expect(tip).to_contain_text("within a fraction of a second")
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)
