"""Telling people: news in the corner, notifications and sounds, who watches, links, files, notes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from browsing import DESKTOP, PHONE, Server, TrainerProcess, Watched, complaints, wait_for
from playwright.sync_api import Browser, Locator, Page, expect

from livecb.server.access import Role
from livecb.server.rights import shared
from livecb.server.tokens import Tokens
from livecb.store import Store

EAR = """
window.told = [];
window.sounds = [];
window.Notification = class extends EventTarget {
  static permission = "default";
  static async requestPermission() { return this.permission = window.answer ?? "granted"; }
  constructor(title, more) { super(); window.told.push([title, more.body]); }
};
const Tone = window.OscillatorNode;
window.OscillatorNode = class extends Tone {
  constructor(context, options) { super(context, options); window.sounds.push(options.frequency); }
};
document.hasFocus = () => false;
"""
"""What a page says beside itself, noted: a browser of tests shows no notification and has no loudspeaker."""

STAY = """
const later = window.setTimeout;
window.setTimeout = (work, ms, ...more) => later(work, ms === 7000 ? 600_000 : ms, ...more);
"""
"""Makes news that is worth a glance stay: where much goes on, seven seconds pass between two of them."""

expect.set_options(timeout=30_000)


@pytest.fixture
def viewer(browser: Browser, served: Server) -> Iterator[Watched]:
    watching = Watched(browser, served.address)
    yield watching
    watching.close()
    assert watching.errors == []


@pytest.fixture
def begin(served: Server) -> Iterator[Callable[[], TrainerProcess]]:
    started: list[TrainerProcess] = []

    def begin() -> TrainerProcess:
        started.append(TrainerProcess(served.folder, "--steps", "60"))
        return started[-1]

    yield begin
    for trainer in started:
        trainer.kill()


Begin = Callable[[], TrainerProcess]


def live(page: Page) -> Page:
    wait_for(page, "livecb.link().kind === 'live'")
    page.locator(".toasts").wait_for(state="attached")
    return page


def leading(page: Page) -> Page:
    """Wait until the page is the tab that notifies: one that was loaded anew has to ask for it again."""
    page.wait_for_function(
        "async () => (await navigator.locks.query()).held.some(({name}) => name.startsWith('livecb.tell.'))"
    )
    return page


def toast(page: Page, words: str) -> Locator:
    return page.locator(".toast", has_text=words)


def menu(page: Page) -> Locator:
    page.get_by_role("button", name="Share, save, be told").click()
    panel = page.get_by_role("dialog", name="Share, save, be told")
    panel.wait_for()
    return panel


def posted(served: Server, token: str, path: str, body: object) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(served.address + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        said: dict[str, str] = json.load(answer)
    return said


def test_candidates_that_are_done_and_how_it_ended_are_told_in_the_corner(
    served: Server, viewer: Watched, begin: Begin
) -> None:
    trainer = begin()
    trainer.tell("candidate", 1)
    page = viewer.open("about:blank")
    page.add_init_script(STAY)
    page.goto(served.url(trainer.run))
    live(page)
    assert page.locator(".toast").count() == 0, "what was there already is no news"
    assert page.locator(".toasts").get_attribute("aria-live") == "polite"
    trainer.tell("candidate", 3)
    toast(page, "candidate 3").get_by_text("accuracy 0.9100").wait_for()
    trainer.tell("candidate", 4)
    toast(page, "candidate 4").get_by_text("failed: ValueError: Input X contains NaN.").wait_for()
    for number in (5, 6, 7, 8):
        trainer.tell("candidate", number)
    page.get_by_text("and 2 more").wait_for()
    assert page.locator(".toast").count() == 4, "never a wall of them"
    trainer.tell("end", "failed")
    ended = toast(page, "digits-mlp has failed")
    ended.get_by_text("mat1 and mat2 shapes cannot be multiplied").wait_for()
    ended.get_by_role("button", name="Put away: digits-mlp has failed").click()
    ended.wait_for(state="detached")


def test_a_notification_and_a_sound_come_where_they_were_chosen_and_the_choice_is_kept(
    served: Server, viewer: Watched, begin: Begin
) -> None:
    trainer = begin()
    page = viewer.open(served.url(trainer.run))
    page.add_init_script(EAR)
    live(page).reload()
    panel = menu(live(page))
    panel.get_by_label("notify me, when I look elsewhere").check()
    panel.get_by_label("play a sound").check()
    leading(page).wait_for_function("() => window.sounds.length === 3", timeout=30_000)
    trainer.tell("step", 650)  # at step 700 it warns
    page.wait_for_function("() => window.told.length === 1", timeout=30_000)
    assert page.evaluate("told[0]") == ["Plateau", "val/loss has not improved for 3 validations · digits-mlp"]
    assert page.evaluate("sounds.slice(3)") == [494, 494]
    page.evaluate("Notification.permission = 'granted'")
    page.add_init_script("Notification.permission = 'granted'")
    page.reload()
    leading(live(page))
    trainer.tell("end", "completed")
    page.wait_for_function("() => window.told.length === 1", timeout=30_000)
    assert page.evaluate("told[0][0]") == "digits-mlp has completed"
    assert page.evaluate("sounds") == [523, 659, 784]


def test_who_forbids_notifications_is_told_where_to_allow_them(
    served: Server, viewer: Watched, begin: Begin
) -> None:
    page = viewer.open(served.url(begin().run))
    page.add_init_script(EAR + "window.answer = 'denied';")
    page.reload()
    panel = menu(live(page))
    box = panel.get_by_label("notify me, when I look elsewhere")
    box.click()
    panel.get_by_role("alert").get_by_text("allow it in the settings of the site").wait_for()
    expect(box).not_to_be_checked()


def test_who_watches_is_counted_while_they_do(served: Server, viewer: Watched, begin: Begin) -> None:
    trainer = begin()
    page = live(viewer.open(served.url(trainer.run)))
    assert page.locator(".present").count() == 0, "alone"
    other = live(viewer.open(served.url(trainer.run)))
    page.get_by_text("2 watching").wait_for()
    other.context.close()
    page.get_by_text("2 watching").wait_for(state="detached")


def test_a_link_is_made_copied_opened_and_taken_back(served: Server, viewer: Watched, begin: Begin) -> None:
    trainer = begin()
    page = live(viewer.open(served.url(trainer.run), permissions=["clipboard-read", "clipboard-write"]))
    panel = menu(page)
    panel.get_by_label("for").select_option(label="a day")
    panel.get_by_role("button", name="Make a link").click()
    link = panel.get_by_label("The link", exact=True).input_value()
    panel.get_by_role("button", name="Copy").click()
    panel.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == link
    (made,) = [token for token in Tokens(Store(served.folder)).all() if token.run == trainer.run]
    assert (made.share, made.role) == (True, "view")
    assert 80_000 < (made.expires or 0) - made.created < 90_000
    guest = live(viewer.open(link))
    guest.locator("h1", has_text="digits-mlp").wait_for()
    panel.get_by_role("button", name=f"Take back {made.name}").click()
    panel.get_by_text("the link shows nothing any more").wait_for()
    guest.get_by_text("no access").wait_for(timeout=30_000)


def test_who_may_only_look_can_take_the_run_along_and_is_told_why_not_more(
    served: Server, viewer: Watched, begin: Begin
) -> None:
    trainer = begin()
    made = shared(Tokens(Store(served.folder)), trainer.run, 600, "ada")
    posted(served, served.url().split("token=")[1], f"api/runs/{trainer.run}/notes", {"text": "look here"})
    page = live(viewer.open(f"{served.address}r/{trainer.run}?token={made.secret}"))
    panel = menu(page)
    panel.get_by_text("Who makes links needs the role “admin”").wait_for()
    assert panel.get_by_role("button", name="Make a link").count() == 0
    with page.expect_download() as download:
        panel.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == f"{trainer.run}.csv"
    with page.expect_download() as download:
        panel.get_by_role("link", name="This page").click()
    assert '<script type="text/plain" id="held">' in download.value.path().read_text()
    page.keyboard.press("Escape")
    panel.wait_for(state="detached")
    expect(page.get_by_role("button", name="Share, save, be told")).to_be_focused()
    edit = page.locator(".happenings .note").get_by_role("button", name="edit")
    edit.focus()
    page.locator(".note-tools .tip:not(.sr)").get_by_text(
        "You may look at this run, not write on it"
    ).wait_for()


def test_a_note_is_edited_and_deleted_for_all(served: Server, viewer: Watched, begin: Begin) -> None:
    trainer = begin()
    tokens = Tokens(Store(served.folder))
    ada = tokens.make("ada", Role.CONTROL).secret
    posted(served, ada, f"api/runs/{trainer.run}/notes", {"text": "too slow", "step": 12})
    page = live(viewer.open(f"{served.address}r/{trainer.run}?token={ada}"))
    other = live(viewer.open(served.url(trainer.run)))
    note = page.locator(".happenings .note")
    note.get_by_role("button", name="edit").click()
    note.get_by_label("What the note says").fill("")
    note.get_by_role("button", name="Save").click()
    note.get_by_role("alert").get_by_text("expected some words").wait_for()
    note.get_by_label("What the note says").fill("far too slow")
    note.get_by_role("button", name="Save").click()
    for each in (page, other):
        row = each.locator(".happenings .note")
        row.get_by_text("far too slow").wait_for()
        expect(row).to_contain_text("edited")
        expect(row).to_have_count(1)
    note.get_by_role("button", name="delete").click()
    note.get_by_role("button", name="Delete", exact=True).click()
    for each in (page, other):
        each.locator(".happenings .note").wait_for(state="detached")
    tokens.revoke("ada")


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_axe_accepts_news_notes_and_the_menu(
    served: Server, viewer: Watched, begin: Begin, size: tuple[int, int], scheme: str
) -> None:
    trainer = begin()
    token = served.url().split("token=")[1]
    posted(served, token, f"api/runs/{trainer.run}/notes", {"text": "look here"})
    page = live(viewer.open(served.url(trainer.run), size, scheme, reduced_motion="reduce"))
    page.locator(".happenings .note").wait_for()
    trainer.tell("candidate", 3)
    toast(page, "candidate 3").wait_for()
    assert complaints(page) == []
    panel = menu(page)
    panel.get_by_role("button", name="Make a link").click()
    panel.get_by_label("The link", exact=True).wait_for()
    assert complaints(page) == []
