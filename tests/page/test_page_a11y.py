"""For everyone: every view, light and dark, wide and narrow, with more contrast, more room, and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browsing import DESKTOP, PHONE, Everything, Server, Watched, complaints, wait_for
from playwright.sync_api import Browser, Page, expect

from livecb.server.access import Role
from livecb.server.tokens import Tokens
from livecb.store import Store

SECONDS = 30_000
expect.set_options(timeout=SECONDS)
VIEWS = ("Curves", "Leaderboard", "Images", "Samples", "Media", "Log", "Values", "Config")
SIZES = [DESKTOP, PHONE]


@pytest.fixture
def viewer(browser: Browser, everything: Everything) -> Iterator[Watched]:
    watching = Watched(browser, everything.server.address)
    yield watching
    watching.close()
    assert watching.foreign == [], "the page asked another host"
    assert watching.errors == [], "the browser's console holds errors"


def shown(page: Page, view: str) -> None:
    """Go to a view and wait for what is last to come in it."""
    page.get_by_role("tab", name=view, exact=True).click()
    last = {
        "Curves": ".chart .mark",
        "Leaderboard": ".board tr.fail",
        "Images": "button.frame img",
        "Samples": ".samples tbody tr",
        "Media": ".heat canvas",
        "Log": ".rows .row.warning",
        "Values": "table.values tbody tr",
        "Config": ".two .config",
    }
    page.locator(last[view]).first.wait_for(timeout=SECONDS)


def wrong(page: Page, within: str = "html") -> list[str]:
    """What axe finds in the view as it is; in the dark, only how it can be seen is another."""
    found = complaints(page, within=within)
    page.emulate_media(color_scheme="dark")
    found += complaints(page, ["color-contrast"], within)
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_in_any_view_of_a_run_light_or_dark(
    everything: Everything, viewer: Watched, size: tuple[int, int]
) -> None:
    page = viewer.open(everything.url("everything"), size)
    for view in VIEWS:
        shown(page, view)
        # What stands around the views is looked at with the first.
        assert wrong(page, "html" if view == VIEWS[0] else ".tabs, .panel") == [], view
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], view


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_in_dialogs_and_menus(
    everything: Everything, viewer: Watched, size: tuple[int, int]
) -> None:
    page = viewer.open(everything.url("out of memory"), size)
    page.locator(".failure").wait_for()
    page.get_by_role("button", name="Keys and signs").click()
    page.get_by_role("dialog").wait_for()
    assert wrong(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="What to do with the chart loss").click()
    page.get_by_role("menuitem", name="Show as a table").wait_for()
    assert wrong(page) == []
    page.get_by_role("menuitem", name="Show as a table").click()
    page.get_by_role("dialog").wait_for()
    assert wrong(page) == []


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_in_the_list_in_comparing_and_where_there_is_nothing(
    everything: Everything, viewer: Watched, size: tuple[int, int]
) -> None:
    page = viewer.open(everything.url(), size)
    page.locator(".run-row").first.wait_for()
    assert wrong(page) == []
    for name, sign in (
        ("nothing yet", ".empty:has-text('No curves yet')"),
        ("20010101-000000-none", ".lone h1"),
    ):
        page.goto(everything.url(name))
        page.locator(sign).first.wait_for()
        assert wrong(page) == [], name
    page.goto(f"{everything.server.address}?compare=1&runs={','.join(everything.runs.values())}")
    # They come one after the other, each with a column more.
    for name in everything.runs:
        expect(page.get_by_role("region", name="Table of best values").locator("thead")).to_contain_text(name)
    assert wrong(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_where_there_are_no_runs_yet(
    served: Server, watched: Watched, size: tuple[int, int]
) -> None:
    page = watched.open(served.url(), size)
    page.get_by_role("heading", name="No runs yet").wait_for()
    assert wrong(page) == []


def test_a_chart_is_told_in_words_and_as_a_table(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"))
    # The table tells what is there when it opens: marks are drawn once the curves are there.
    page.locator("[data-chart=loss] .mark").first.wait_for()
    dots = page.get_by_role("button", name="What to do with the chart loss")
    dots.click()
    page.get_by_role("menuitem", name="Show as a table").click()
    table = page.get_by_role("dialog", name="loss")
    expect(table).to_contain_text(
        "train fell: from 2.100 to 0.1052, smallest 0.1052 at 119, largest 2.100 at 0; 120 points."
    )
    expect(table.get_by_role("row")).to_have_count(121)
    expect(table.get_by_role("row").nth(1)).to_have_text(re.compile("02.1002.150"))
    page.keyboard.press("Escape")
    expect(table).to_have_count(0)
    expect(dots).to_be_focused()


def test_more_contrast_and_forced_colours_keep_what_is_chosen_and_how_far_it_is(
    everything: Everything, viewer: Watched
) -> None:
    page = viewer.open(everything.url("everything"), forced_colors="active")
    page.locator(".chart canvas").first.wait_for()
    color = "e => getComputedStyle(e).backgroundColor"
    chosen, other = page.locator(".tabs .on"), page.locator(".tabs > :not(.on)").first
    assert chosen.evaluate(color) != other.evaluate(color)
    bar = page.locator(".hero .track")
    assert bar.locator("i").evaluate(color) != bar.evaluate(color)
    swatches = page.locator("[data-chart=loss] .legend i")
    ink = "e => getComputedStyle(e).borderTopColor"
    assert swatches.first.evaluate(ink) != swatches.nth(1).evaluate(ink)
    assert complaints(page) == []


SPACED = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
CUT = """() => [...document.querySelectorAll(".hero .eta, .hero .chip, .tabs button, .bar label, .bar button, .control button")]
    .filter(e => e.offsetParent && e.scrollHeight > e.clientHeight + 2 && getComputedStyle(e).overflowY !== "visible")
    .map(e => e.textContent)"""


def test_twice_as_large_and_with_more_room_between_words_nothing_is_lost(
    everything: Everything, viewer: Watched
) -> None:
    # A window of 1280 pixels at 200 % is one of 640.
    page = viewer.open(everything.url("everything"), (640, 400))
    page.locator(".chart").first.wait_for()
    page.evaluate(
        "words => { const sheet = new CSSStyleSheet(); sheet.replaceSync(words); document.adoptedStyleSheets = [sheet] }",
        SPACED,
    )
    for view in VIEWS:
        shown(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, view
        assert page.evaluate(CUT) == [], view


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_names_in_any_script_and_of_any_length_stay_in_their_place(
    everything: Everything, viewer: Watched, size: tuple[int, int]
) -> None:
    page = viewer.open(everything.url(), size)
    page.locator(".run-row").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    direction = "e => getComputedStyle(e).direction"
    arabic = page.locator(f"[data-run='{everything.runs[everything.ARABIC]}'] .name")
    assert arabic.evaluate(direction) == "rtl", "what does not fit is cut off its end, not off its beginning"
    assert page.locator("html").evaluate(direction) == "ltr"
    for name in (everything.LONG, everything.ARABIC, everything.EMOJI):
        page.goto(everything.url(name))
        page.locator(".chart canvas").first.wait_for()
        assert page.locator("h1").inner_text() == name
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_times_are_in_the_readers_zone(everything: Everything, viewer: Watched) -> None:
    hours = []
    for zone in ("Asia/Kolkata", "America/St_Johns"):
        page = viewer.open(everything.url("out of memory"), timezone_id=zone)
        wait_for(page, "livecb.state()?.ended")
        ended = page.evaluate("new Date(livecb.state().ended * 1000).toTimeString().slice(0, 8)")
        expect(page.locator(".eta small")).to_contain_text(ended)
        hours.append(ended)
    assert hours[0] != hours[1]


def test_paper_has_the_story_and_no_buttons(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"), scheme="dark")
    page.locator(".chart canvas").first.wait_for()
    page.emulate_media(media="print", color_scheme="dark")
    for gone in ("header", ".tabs", ".bar", ".control"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')") == "#14181d"


def test_who_wants_no_motion_sees_none(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("everything"), reduced_motion="reduce")
    page.locator(".chart canvas").first.wait_for()
    moving = """() => [...document.querySelectorAll("*")].filter(e => {
        const {transitionDuration, animationDuration} = getComputedStyle(e);
        return parseFloat(transitionDuration) > 0 || parseFloat(animationDuration) > 0;
    }).length"""
    assert page.evaluate(moving) == 0


def test_a_browser_that_cannot_begin_is_told_what_it_needs(everything: Everything, viewer: Watched) -> None:
    page = viewer.open("about:blank")
    page.route("**/assets/*.js", lambda route: route.fulfill(status=404))
    page.goto(everything.url())
    expect(page.get_by_role("heading", name="The page does not begin")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('#app').length") == 1


def test_what_is_not_there_says_what_to_do_next(everything: Everything, viewer: Watched) -> None:
    page = viewer.open(everything.url("20010101-000000-none"))
    page.get_by_text("What is deleted stays in the trash for 30 days").wait_for()
    page.get_by_role("link", name="All runs").click()
    page.locator(".run-row").first.wait_for()


def test_who_is_let_in_no_longer_is_told_and_sees_until_when_it_is_true(
    everything: Everything, viewer: Watched
) -> None:
    tokens = Tokens(Store(everything.server.folder))
    secret = tokens.make("guest", Role.VIEW).secret
    page = viewer.open(f"{everything.server.address}r/{everything.runs['everything']}?token={secret}")
    wait_for(page, "livecb.link().kind === 'live'")
    tokens.revoke("guest")
    notice = page.locator(".notice.bad")
    expect(notice).to_contain_text("You see the run as it was at")
    expect(notice).to_contain_text("ask for another")
    page.locator(".chart canvas").first.wait_for()
    assert complaints(page) == []
