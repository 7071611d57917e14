"""Pages that mean harm, in a real browser: what they can read, write, embed and run of this server."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import CHROMIUM, FLAGS, Server, TrainerProcess
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from livecb.server.token import token_of
from livecb.store import Store, StoredRun

Train = Callable[..., TrainerProcess]
shared = pytest.mark.usefixtures("served")

# Names of the world outside lead to this machine: as a foreign site, and as one whose name was rebound.
NAMES = "--host-resolver-rules=MAP *.example 127.0.0.1"
FRAMED = "<!doctype html><title>elsewhere</title><iframe id=it src='{url}'></iframe>"
HARM = """async ([base, run]) => {
  const tried = {};
  const attempt = async (name, act) => { try { tried[name] = await act(); } catch (error) { tried[name] = 'refused'; } };
  const within = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 5000, 'nothing'))]);
  const json = {method: 'PATCH', credentials: 'include', headers: {'content-type': 'application/json'}, body: '{"name":"owned"}'};
  await attempt('read', async () => (await fetch(base + 'api/runs', {credentials: 'include'})).text());
  await attempt('write', async () => (await fetch(base + 'api/runs/' + run, json)).status);
  await attempt('blind write', async () => {
    const answer = await fetch(base + 'api/runs/' + run + '/notes',
      {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"text":"owned"}'});
    return answer.type === 'opaque' ? 'nothing' : answer.text();
  });
  await attempt('command', async () => {
    const answer = await fetch(base + 'api/runs/' + run + '/commands',
      {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"command":"stop"}'});
    return answer.type === 'opaque' ? 'nothing' : answer.text();
  });
  await attempt('events', () => within(new Promise((done) => {
    const source = new EventSource(base + 'api/runs/' + run + '/events', {withCredentials: true});
    source.onmessage = (message) => done(message.data);
    source.addEventListener('connected', (message) => done(message.data));
    source.onerror = () => done('refused');
  })));
  await attempt('socket', () => within(new Promise((done) => {
    const socket = new WebSocket(base.replace('http', 'ws') + 'api/runs/' + run + '/events');
    socket.onmessage = (message) => done(message.data);
    socket.onerror = () => done('refused');
  })));
  const tag = (element) => within(new Promise((done) => {
    element.onload = () => done('loaded');
    element.onerror = () => done('refused');
    document.body.append(element);
  }));
  await attempt('image', () => tag(Object.assign(new Image(), {src: base + 'favicon.svg'})));
  await attempt('script', () => tag(Object.assign(document.createElement('script'), {src: base + 'api/runs'})));
  return tried;
}"""


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """A page of another origin, that frames whatever its query names."""

    def do_GET(self) -> None:
        url = self.path.partition("?")[2]
        body = FRAMED.format(url=url).encode() if url else b"<!doctype html><title>elsewhere</title>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, NAMES])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of a server of pages that mean harm, by any name."""
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    thread = threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield serving.server_port
    serving.shutdown()
    serving.server_close()
    thread.join(10)


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser whose owner has opened the page, and so has the cookie."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url())
    assert page.evaluate("async () => (await fetch('api/runs')).status") == 200
    page.close()
    yield context
    context.close()


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1", "localhost"])
@shared
def test_a_page_of_another_origin_reads_and_changes_nothing(
    visitor: BrowserContext, server: Server, train: Train, elsewhere: int, name: str
) -> None:
    trainer = train("--steps", 5)
    page = visitor.new_page()
    page.goto(f"http://{name}:{elsewhere}/")
    tried = page.evaluate(HARM, [server.address, trainer.run])
    assert set(tried.values()) <= {"refused", "nothing"}, tried
    run = StoredRun(server.folder / trainer.run)
    assert run.labels.name is None
    assert not run.part_path("notes").exists()
    assert not (run.folder / "commands.jsonl").exists() or (run.folder / "commands.jsonl").read_bytes() == b""


@shared
def test_a_form_of_another_origin_changes_nothing(
    visitor: BrowserContext, server: Server, train: Train, elsewhere: int
) -> None:
    trainer = train("--steps", 5)
    page = visitor.new_page()
    page.goto(f"http://127.0.0.1:{elsewhere}/")  # the same site: the cookie goes along
    form = f"<form method=post enctype=text/plain action='{server.address}api/runs/{trainer.run}/notes'>"
    field = """<input name='{"text":"owned","x":"' value='"}'></form>"""
    with page.expect_navigation():
        page.evaluate(
            "(html) => { document.body.innerHTML = html; document.forms[0].submit(); }", form + field
        )
    assert json.loads(page.inner_text("body"))["status"] == 403
    assert not StoredRun(server.folder / trainer.run).part_path("notes").exists()


@shared
def test_a_name_that_was_rebound_to_this_machine_shows_nothing(
    visitor: BrowserContext, server: Server, store: Store
) -> None:
    page = visitor.new_page()
    answer = page.goto(f"http://rebound.example:{server.port}/?token={token_of(store)}")
    assert answer is not None
    assert answer.status == 421
    assert page.evaluate("async () => (await fetch('/api/health')).status") == 421


@shared
def test_a_frame_of_a_foreign_site_stays_empty_and_one_of_a_notebook_here_shows_the_page(
    visitor: BrowserContext, server: Server, train: Train, elsewhere: int
) -> None:
    trainer = train("--steps", 5)
    page = visitor.new_page()
    page.goto(f"http://127.0.0.1:{elsewhere}/?{server.address}")
    page.frame_locator("#it").locator(f"[data-run='{trainer.run}']").wait_for(timeout=30_000)
    page.goto(f"http://evil.example:{elsewhere}/?{server.address}")
    frame = page.query_selector("#it")
    assert frame is not None
    shown = frame.content_frame()
    assert shown is not None
    # `goto` has waited for the frame, too; what it came to is told by another process of the browser.
    shown.wait_for_url(re.compile("^chrome-error:"), wait_until="commit")


@shared
def test_what_a_training_stored_runs_no_script_here(
    visitor: BrowserContext, server: Server, train: Train
) -> None:
    trainer = train("--steps", 5)
    run = StoredRun(server.folder / trainer.run)
    harm = "fetch('/api/runs').then((it) => it.text()).then((it) => { document.title = 'owned' + it; });"
    files = {
        "svg": f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"document.title='owned'\"><script>{harm}</script></svg>",
        "html": f"<!doctype html><script>{harm}</script><img src=x onerror=\"document.title='owned'\">",
        "xml": f"<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'>{harm}</x:script>",
    }
    page = visitor.new_page()
    for kind, text in files.items():
        digest = run.add_file(text.encode(), f"a.{kind}", "text/html").hash
        answer = page.goto(f"{server.address}api/runs/{trainer.run}/files/{digest}")
        assert answer is not None
        assert "sandbox" in answer.headers["content-security-policy"]
        page.wait_for_timeout(200)
        assert "owned" not in page.title()
        assert page.evaluate("() => window.origin") == "null"


def test_a_page_of_an_allowed_origin_works_with_its_token_and_with_nothing_else(
    browser: Browser,
    store: Store,
    train: Train,
    elsewhere: int,
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = train("--steps", 5)
    monkeypatch.setenv("LIVECB_ALLOWED_ORIGINS", f"http://lab.example:{elsewhere}")
    server = Server(store.root, free_port)
    server.start()
    try:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://lab.example:{elsewhere}/")
        assert with_token(page, server, trainer.run, token_of(store)) == [200, 200, "connected"]
        assert with_token(page, server, trainer.run, "wrong")[0] == 401
        context.close()
    finally:
        server.kill()


def with_token(page: Page, server: Server, run: str, token: str) -> list[object]:
    return page.evaluate(
        """async ([base, run, token]) => {
          const headers = {authorization: 'Bearer ' + token, 'content-type': 'application/json'};
          const read = (await fetch(base + 'api/runs', {headers})).status;
          const body = JSON.stringify({name: 'from elsewhere'});
          const written = (await fetch(base + 'api/runs/' + run, {method: 'PATCH', headers, body})).status;
          const live = await new Promise((done) => {
            const source = new EventSource(base + 'api/runs/' + run + '/events?token=' + token);
            source.addEventListener('connected', () => { source.close(); done('connected'); });
            source.onerror = () => { source.close(); done('refused'); };
          });
          return [read, written, live];
        }""",
        [server.address, run, token],
    )  # type: ignore[no-any-return]
