"""Samples and pictures on the page: live, each once, and cheap however many there are."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from browsing import DESKTOP, PHONE, VIEWS, Server, TrainerProcess, Watched
from playwright.sync_api import Page, expect

expect.set_options(timeout=30_000)

Train = Callable[..., TrainerProcess]
pytestmark = pytest.mark.usefixtures("served")


def answers(page: Page) -> list[int]:
    """The numbers of the samples that are shown, from the top."""
    texts = page.locator(".samples tbody td.text:nth-of-type(3)").all_inner_texts()
    return [int(text.split()[1]) for text in texts]


def wait_for_answers(page: Page, wanted: list[int]) -> None:
    deadline = time.monotonic() + 30
    while answers(page) != wanted:
        assert time.monotonic() < deadline, answers(page)
        page.wait_for_timeout(50)


def sampled(train: Train, count: int) -> TrainerProcess:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("samples", count)
    return trainer


def test_samples_lead_where_there_are_no_curves_and_come_live_on_top(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = sampled(train, 12)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("tab", name="Samples", selected=True).wait_for()
    wait_for_answers(page, [*range(11, -1, -1)])
    first = page.locator(".samples tbody tr").first
    assert [cell.strip() for cell in first.inner_text().split("\t")][1:] == [
        "user: question 11",
        "no",
        "answer 11",
        "1",
        "0.2500",
    ]
    epochs = page.locator(".epochs tbody tr")
    assert epochs.all_inner_texts() == ["epoch 2\t2\t0.5000\t0.2500", "epoch 1\t10\t0.5000\t0.2500"]
    trainer.tell("samples", 1)
    page.locator(".samples tr.new", has_text="answer 12").wait_for()
    page.get_by_text("13 samples").wait_for()
    trainer.tell("samples", 200)
    page.get_by_text("213 samples").wait_for()
    shown = answers(page)
    assert shown == [*range(212, 212 - len(shown), -1)], "without a gap and without doubles"
    assert epochs.first.inner_text() == "epoch 22\t3\t0.3333\t0.2500"


def test_samples_of_one_epoch_can_be_looked_at_alone(server: Server, train: Train, watched: Watched) -> None:
    trainer = sampled(train, 35)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("button", name="epoch 4").click()
    wait_for_answers(page, [*range(34, 29, -1)])
    page.get_by_text("epoch 4 · 5 of 35 samples").wait_for()
    trainer.tell("samples", 7)
    wait_for_answers(page, [*range(39, 29, -1)])
    page.get_by_text("epoch 4 · 10 of 42 samples").wait_for()
    page.get_by_role("button", name="Show all").click()
    wait_for_answers(page, [*range(41, -1, -1)])


def test_older_samples_come_page_by_page_each_once(server: Server, train: Train, watched: Watched) -> None:
    trainer = sampled(train, 120)
    page = watched.open(server.url(trainer.run))
    wait_for_answers(page, [*range(119, 69, -1)])
    page.get_by_role("button", name="show more of 120").click()
    wait_for_answers(page, [*range(119, 19, -1)])
    trainer.tell("samples", 1)
    wait_for_answers(page, [*range(120, 19, -1)])
    page.get_by_role("button", name="show more of 121").click()
    wait_for_answers(page, [*range(120, -1, -1)])
    row = page.locator(".samples tr", has_text="answer 3 and so on")
    before = row.bounding_box()
    row.get_by_role("button", name="all of it").click()
    row.get_by_role("button", name="less").wait_for()
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] > before["height"]


def test_thousands_of_pictures_load_only_where_somebody_looks(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("images", 3000)
    page = watched.open("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url(trainer.run))
    fakes = page.get_by_role("group", name="fake, 2,400 pictures")
    fakes.get_by_text("step 2,999").wait_for()
    page.get_by_role("group", name="real, 600 pictures").get_by_text("step 2,995").wait_for()
    fakes.locator("img").last.evaluate("image => image.decode()")
    page.wait_for_timeout(500)
    assert 0 < len([url for url in asked if "/files/" in url]) < 40
    assert len([url for url in asked if "/images" in url]) <= 5
    assert page.locator(".frame").count() < 40
    trainer.tell("images", 2)
    fakes = page.get_by_role("group", name="fake, 2,401 pictures")
    fakes.get_by_text("step 3,001").wait_for()
    page.get_by_role("group", name="real, 601 pictures").get_by_text("step 3,000").wait_for()
    fakes.focus()
    page.keyboard.press("Home")
    fakes.get_by_text("step 1", exact=True).wait_for()
    assert page.locator(".frame").count() < 40
    trainer.tell("images", 4)
    page.get_by_role("group", name="fake, 2,404 pictures").get_by_text("step 1", exact=True).wait_for()


def test_a_picture_is_enlarged_and_gone_through_by_mouse_and_keyboard(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("images", 200)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("button", name="picture 199").click()
    look = page.get_by_role("dialog", name="fake")
    look.get_by_text("step 199").wait_for()
    look.get_by_text("160 of 160").wait_for()
    assert look.locator("img").evaluate("async image => (await image.decode(), image.naturalWidth)") == 8
    page.keyboard.press("ArrowLeft")
    look.get_by_text("step 198").wait_for()
    look.get_by_role("slider", name="Through time").fill("0")
    look.get_by_text("step 1 ·").wait_for()
    assert look.get_by_role("button", name="Earlier").is_disabled()
    look.get_by_role("button", name="Later").click()
    look.get_by_text("step 2 ·").wait_for()
    page.keyboard.press("Escape")
    look.wait_for(state="detached")
    strip = page.get_by_role("group", name="real, 40 pictures")
    strip.get_by_role("button", name="picture 195").wait_for()
    strip.press("Enter")
    page.get_by_role("dialog", name="real").get_by_text("step 195").wait_for()


def test_a_picture_that_is_opened_while_another_closes_is_shown(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("images", 10)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("button", name="picture 9").click()
    page.get_by_role("dialog", name="fake").get_by_text("step 9").wait_for()
    page.locator("dialog.closer").evaluate(
        "dialog => (dialog.close(), document.querySelector('.film[aria-label^=real]').dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Enter' })))"
    )
    page.get_by_role("dialog", name="real").get_by_text("step 5").wait_for()


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_whatever_there_is_to_see_fits_the_page(
    server: Server, train: Train, watched: Watched, size: tuple[int, int]
) -> None:
    trainer = train("--steps", 100)
    for verb in ("samples", "images", "candidate", "progress", "others"):
        trainer.tell(verb, 7)
    page = watched.open(server.url(trainer.run), size)
    page.locator(".chart").first.wait_for()
    for name, shown in VIEWS.items():
        page.get_by_role("tab", name=name).click()
        page.locator(shown).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], name


def test_an_answer_is_shown_beside_the_one_before_to_the_same_prompt(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 0, "--bare")
    for epoch in (1, 2):
        trainer.tell("answers", epoch)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("img", name="judge from epoch 1 to 2").wait_for()
    page.get_by_role("button", name="Changes").click()
    counted = page.locator(".samples tr", has_text="count").first
    counted.get_by_text("since epoch 1").wait_for()
    assert counted.locator("ins").all_inner_texts() == [" 3"]
    page.locator(".samples tr", has_text="greet").first.get_by_text("as epoch 1").wait_for()
    expect(page.get_by_text("first of its input")).to_have_count(2)
    page.get_by_role("button", name="epoch 2").click()
    page.get_by_text("epoch 2 · 2 of 4 samples").wait_for()
    counted.get_by_text("since epoch 1").wait_for()


def test_sounds_tables_and_histograms_are_heard_and_seen_live(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("others", 3)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("tab", name="Media", selected=True).wait_for()
    sounds = page.get_by_role("region", name="voice, audio").locator("audio")
    sounds.nth(2).wait_for()
    expect(sounds).to_have_count(3)
    lasts = sounds.first.evaluate(
        "async sound => { sound.load(); await new Promise(done => sound.onloadedmetadata = done); return sound.duration; }"
    )
    assert lasts == pytest.approx(0.1)
    table = page.get_by_role("region", name="worst, table")
    table.get_by_text("text 0 at 2").wait_for()
    table.get_by_role("slider").fill("0")
    table.get_by_text("text 0 at 0").wait_for()
    expect(table.locator("tbody tr")).to_have_count(50)
    table.get_by_role("button", name="all 60 rows").click()
    expect(table.locator("tbody tr")).to_have_count(60)
    seen = page.get_by_role("region", name="weights, histogram")
    seen.get_by_role("img", name="step 2: 5 values from 1 to 3").wait_for()
    trainer.tell("others", 5)
    page.get_by_role("region", name="voice, audio").locator("audio").nth(7).wait_for()
    seen.get_by_role("img", name="step 4: 7 values from 3 to 5").wait_for()
    expect(seen.locator("canvas")).to_have_js_property("width", 8)  # drawn after the words are there


def test_a_slider_goes_through_the_pictures_of_a_name(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("images", 200)
    page = watched.open(server.url(trainer.run))
    slider = page.get_by_role("slider", name="fake through time")
    slider.fill("80")
    page.get_by_role("group", name="fake, 160 pictures").get_by_text("step 101", exact=True).wait_for()
    expect(slider).to_have_attribute("aria-valuetext", "step 101")


def test_what_an_abandoned_branch_showed_is_dim(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("images", 6)
    page = watched.open(server.url(trainer.run))
    page.locator(".frame img").nth(5).wait_for()
    assert page.locator(".frame.abandoned").count() == 0
    trainer.tell("resume", 3)
    trainer.tell("images", 2)
    page.locator(".frame img").nth(7).wait_for()
    page.locator(".frame.abandoned").nth(1).wait_for()
    given_up = page.locator(".frame.abandoned span").all_inner_texts()
    assert sorted(given_up) == ["step 4", "step 5"]
