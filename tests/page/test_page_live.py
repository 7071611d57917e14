"""The page lives: what is said shows, whatever happens to the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from browsing import ALONE, Server, TrainerProcess, Watched, wait_for, wait_for_ink, wait_for_steps
from playwright.sync_api import expect

expect.set_options(timeout=30_000)

Train = Callable[..., TrainerProcess]
shared = pytest.mark.usefixtures("served")


def even(steps: int) -> list[int]:
    """The steps at which the trainer says its training values."""
    return [*range(0, steps, 2)]


@shared
def test_a_curve_grows_while_the_trainer_writes(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 100)
    page = watched.open(server.url(trainer.run))
    wait_for_steps(page, "train/loss", even(100))
    wait_for_ink(page, "loss")  # a canvas that is still empty changes anyhow
    plot = page.locator("[data-chart=loss] canvas")
    before = plot.evaluate("canvas => canvas.toDataURL()")
    trainer.tell("step", 50)
    wait_for_steps(page, "train/loss", even(150))
    page.wait_for_function(
        "before => document.querySelector('[data-chart=loss] canvas').toDataURL() !== before", arg=before
    )
    page.get_by_text("step 148 / 3,600").wait_for()
    expect(page.locator("header .badge")).to_have_text("live")


@shared
def test_a_late_page_has_every_point_exactly_once(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 1500)
    page = watched.open(server.url(trainer.run))
    trainer.tell("step", 300)
    wait_for_steps(page, "train/loss", even(1800))
    wait_for_steps(page, "val/loss", [*range(0, 1800, 90)])
    wait_for(page, "livecb.logs().count === livecb.state().counts.log")
    # The state is told twice a second: it may have been folded between the last line and the last values.
    wait_for(page, "livecb.state().metrics['train/loss'].count === wanted", 900)
    counts = page.evaluate("livecb.counts()")
    said = page.evaluate("livecb.state().metrics")
    assert counts == {name: metric["count"] for name, metric in said.items()}


def test_the_page_survives_a_killed_server_and_says_so(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 200)
    page = watched.open(server.url(trainer.run))
    wait_for_steps(page, "train/loss", even(200))
    wait_for(page, "livecb.link().connects === 1")
    server.kill()
    page.get_by_text("reconnecting for").wait_for()
    notice = page.locator(".notice")
    notice.wait_for()
    assert "You see the run as it was at" in notice.inner_text()
    assert "step 198" in notice.inner_text()
    trainer.tell("step", 100)
    server.start()
    wait_for_steps(page, "train/loss", even(300))
    wait_for(page, "livecb.link().kind === 'live'")
    notice.wait_for(state="detached")
    assert page.evaluate("livecb.link()") == {"kind": "live", "connects": 2, "loads": 1}


class Cable:
    """A TCP relay that can be pulled out: every connection through it breaks."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        while self._open:  # another thread may add what it let in meanwhile
            _break(self._open.pop())

    def close(self) -> None:
        self._listener.close()
        self.pull()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=ends, daemon=True).start()

    @staticmethod
    def _relay(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            _break(sink)


def _break(end: socket.socket) -> None:
    """Close what another thread may be reading from."""
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it broke by itself
    end.close()


@pytest.fixture
def cable(server: Server) -> Iterator[Cable]:
    laid = Cable(server.port)
    yield laid
    laid.close()


def test_a_page_that_is_cut_off_twenty_times_has_every_event_once(
    server: Server, train: Train, watched: Watched, cable: Cable
) -> None:
    trainer = train("--steps", 100)
    watched._host = f"127.0.0.1:{cable.port}"
    page = watched.open(server.url(trainer.run).replace(f":{server.port}/", f":{cable.port}/"))
    wait_for_steps(page, "train/loss", even(100))
    wait_for(page, "livecb.link().connects === 1")
    for cut in range(20):
        if cut == 10:
            server.kill()
        cable.pull()
        trainer.tell("step", 20)
        if cut == 10:
            server.start()
        wait_for(page, "livecb.link().connects >= wanted && livecb.link().kind !== 'reconnecting'", cut + 2)
    wait_for_steps(page, "train/loss", even(500))
    wait_for(page, "livecb.logs().count === livecb.state().counts.log")
    assert page.evaluate("livecb.link().loads") == 1


@shared
def test_a_replaced_log_is_read_anew(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 300)
    page = watched.open(server.url(trainer.run))
    wait_for_steps(page, "train/loss", even(300))
    trainer.kill()
    path = server.folder / trainer.run / "events.jsonl"
    path.unlink()
    again = train("--steps", 40, "--run", trainer.run)
    wait_for(page, "livecb.link().loads === 2")
    wait_for_steps(page, "train/loss", even(40))
    again.tell("step", 20)
    wait_for_steps(page, "train/loss", even(60))
    assert page.evaluate("livecb.link().loads") == 2  # once for each log, and not for the time between them


@pytest.mark.parametrize(
    ("status", "title", "words"),
    [
        ("completed", "completed", "took"),
        ("failed", "failed", "RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        ("stopped", "stopped", "stopped · early stopped"),
        ("killed", "killed", "A signal ended the process"),
    ],
)
@shared
def test_an_ending_is_told_by_its_name(
    server: Server, train: Train, watched: Watched, status: str, title: str, words: str
) -> None:
    trainer = train("--steps", 100)
    page = watched.open(server.url(trainer.run))
    page.locator(".chip[data-status=running]").wait_for()
    trainer.tell("end", status)
    page.locator(f".chip[data-status={status}]").wait_for()
    page.get_by_text(words).first.wait_for()
    page.wait_for_function("title => document.title.startsWith(title)", arg=title)
    page.locator("header .badge", has_text="ended").wait_for()
    if status == "failed":
        assert 'File "train.py", line 61' in page.locator(".failure pre").inner_text()


@shared
def test_a_killed_trainer_shows_as_crashed(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 100)
    page = watched.open(server.url(trainer.run))
    page.locator(".chip[data-status=running]").wait_for()
    trainer.kill()
    page.locator(".chip[data-status=crashed]").wait_for(timeout=5000)
    assert "gone without a last word" in page.locator(".failure").inner_text()


@shared
def test_more_windows_than_connections_show_what_is_over(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 100)
    trainer.tell("end", "completed")
    trainer.kill()
    first = watched.open(server.url(trainer.run))
    pages = [first, *(first.context.new_page() for _ in range(7))]
    for page in pages[1:]:
        page.goto(f"{server.address}r/{trainer.run}")
    for page in pages:
        page.bring_to_front()
        wait_for(page, "livecb.link().kind === 'resting'")
        expect(page.locator("header .badge")).to_have_text("ended")
        assert page.evaluate("livecb.counts()['train/loss']") == 50


@shared
def test_a_run_that_is_taken_up_again_is_noticed(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 100)
    trainer.kill()
    page = watched.open("about:blank")
    page.context.add_init_script(ALONE)  # a worker has a clock of its own
    page.clock.install()
    page.goto(server.url(trainer.run))
    page.locator(".chip[data-status=crashed]").wait_for()
    wait_for(page, "livecb.link().kind === 'resting'")
    again = train("--steps", 40, "--run", trainer.run)
    page.clock.fast_forward(16_000)
    wait_for(page, "livecb.link().kind === 'live'")
    again.tell("step", 20)
    page.locator(".chip[data-status=running]").wait_for()
    wait_for(page, "livecb.counts()['train/loss'] === 80")


def test_a_server_that_stays_away_is_to_be_started_again(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 100)
    trainer.tell("end", "completed")
    trainer.kill()
    page = watched.open("about:blank")
    page.context.add_init_script(ALONE)  # a worker has a clock of its own
    page.clock.install()
    page.goto(server.url())
    row = page.locator(f"[data-run='{trainer.run}']")
    row.click()
    wait_for(page, "livecb.link().kind === 'resting'")
    server.kill()
    page.clock.fast_forward(16_000)
    notice = page.locator(".notice")
    notice.wait_for()
    assert "livecb view" not in notice.inner_text(), "it may be only restarting"
    page.clock.fast_forward(11_000)
    notice.locator("code", has_text="livecb view").wait_for()
    page.keyboard.press("u")
    row.wait_for()
    notice.wait_for()
    server.start()
    page.locator("header .badge", has_text="live").wait_for()


@shared
def test_a_page_that_cannot_load_what_follows_says_so_and_goes_on_once_it_can(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 100)
    page = watched.open("about:blank")
    page.context.add_init_script(ALONE)
    page.route("**/assets/shared-*.js", lambda route: route.abort())
    page.goto(server.url(trainer.run))
    page.locator(".notice", has_text="was updated since this page was opened").wait_for()
    page.unroute("**/assets/shared-*.js")
    wait_for(page, "livecb.link().kind === 'live'")
    trainer.tell("step", 50)
    wait_for_steps(page, "train/loss", even(150))


@shared
def test_times_of_a_resumed_run_say_whose_they_are(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 1284, "--resume")
    page = watched.open(server.url(trainer.run))
    page.locator(".facts", has_text="attempt 2 for").wait_for()
    trainer.tell("end", "completed")
    page.locator(".eta small", has_text="attempt 2 · ended").wait_for()
    assert "first started" in page.locator(".hero .meta").inner_text()
    page.goto(server.address)
    page.locator(f"[data-run='{trainer.run}'] .how", has_text="attempt 2 · after").wait_for()


def test_the_list_of_runs_is_live(server: Server, train: Train, watched: Watched) -> None:
    page = watched.open(server.url())
    page.get_by_text("No runs yet").wait_for()
    assert "LiveStream()" in page.locator("main").inner_text()
    first = train("--steps", 100)
    row = page.locator(f"[data-run='{first.run}']")
    row.locator(".chip", has_text="running").wait_for()
    first.tell("end", "completed")
    row.locator(".chip", has_text="completed").wait_for()
    row.click()
    page.locator("h1", has_text="digits-mlp").wait_for()
    assert page.url.endswith(f"/r/{first.run}")
    page.go_back()
    row.wait_for()


@shared
def test_a_page_without_the_token_says_what_to_do(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 10)
    page = watched.open(f"{server.address}r/{trainer.run}")
    page.get_by_text("token").first.wait_for()


@shared
def test_a_run_that_is_not_there_is_told(server: Server, watched: Watched) -> None:
    page = watched.open(server.url("20010101-000000-no-such"))
    page.locator("main", has_text="20010101-000000-no-such").wait_for()
    page.locator("header .badge", has_text="not found").wait_for()
