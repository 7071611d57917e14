"""A run in a notebook: in a real kernel, and in a real browser."""

import contextlib
import json
import os
import re
import sys
import threading
import urllib.error
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

import livecb
from livecb import notebook
from livecb.errors import RunNotFound, ServerError
from livecb.server import launch
from livecb.server.token import token_of
from livecb.server.tokens import Tokens
from livecb.sinks import Server as ServerSink

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "page"))

from browsing import CHROMIUM, FLAGS, Server


@pytest.fixture
def server(store, monkeypatch):
    """The store's server, in a thread: it is sooner there than a process."""
    thread = launch.ThreadServer(store, port=0)
    address = thread.start()
    monkeypatch.setattr(launch, "ensure", lambda root: address)
    yield address
    thread.stop()


@pytest.fixture
def served(store, free_port):
    """The same as a process, which another one finds."""
    store.root.mkdir(exist_ok=True)
    process = Server(store.root, free_port)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def trained(run):
    for step in range(1, 51):
        run.log({"train/loss": 1 / step}, step=step)
    return run


@pytest.fixture
def frame(trained, store, server):
    return notebook.Frame(store.run(trained.id))


def shown(frame):
    return frame._repr_mimebundle_()["text/html"]


def given(page):
    """Return what the page's script is given."""
    return json.loads(re.search(r"const it = (\{.*?\})(?:,|;|\n)", page)[1])


def token_in(page):
    return re.search(r"token=(lcb_\w+(?:-\w*)*)", page)[1]


def ask(server, path, token, body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


# What is kept in the file


def test_the_owner_s_token_is_in_no_output(frame, store):
    assert token_of(store) not in shown(frame)


def test_what_is_kept_opens_this_run_to_read_and_nothing_else(frame, trained, server):
    token = token_in(shown(frame))
    other = livecb.init(name="other", sinks=[], capture=None, system_interval=0)
    other.finish()
    assert ask(server, f"api/runs/{trained.id}", token) == 200
    assert ask(server, f"api/runs/{other.id}", token) == 404
    assert ask(server, f"api/runs/{trained.id}/commands", token, {"name": "stop"}) == 403


def test_a_run_may_be_steered_where_that_was_asked_for(frame, trained, store, server):
    for _ in trained.track(range(1)):
        pass
    token = token_in(shown(notebook.Frame(store.run(trained.id), control=True)))
    assert ask(server, f"api/runs/{trained.id}/commands", token, {"name": "stop"}) == 202


def test_cells_of_one_kernel_share_a_token(frame, store):
    assert token_in(shown(frame)) == token_in(shown(frame))
    assert len(Tokens(store).all()) == 1


# What is shown


def test_a_run_says_how_it_stands_where_nothing_can_be_drawn(trained, frame):
    assert re.fullmatch(r"livecb: .*: running +50 steps +train/loss 0\.02 +\(.{16}\)", repr(frame))
    assert trained._repr_mimebundle_()["text/plain"].startswith("livecb: ")


def test_without_a_server_it_is_shown_how_the_run_stands_and_why_there_is_no_page(frame, monkeypatch):
    def fail(*_):
        raise ServerError("no port <is> free")

    monkeypatch.setattr(launch, "ensure", fail)
    page = shown(frame)
    assert "running" in page
    assert "no page: no port &lt;is&gt; free" in page
    assert "<script" not in page


def test_a_run_that_was_deleted_is_told(trained, frame):
    trained.finish()
    trained.folder.rename(trained.folder.with_name("elsewhere"))
    page = frame._repr_mimebundle_()
    assert "No such file" in page["text/plain"]


def test_a_run_that_records_nothing_is_text_only():
    run = livecb.start.disabled("nothing")
    assert run._repr_mimebundle_() == {"text/plain": "<Run that does nothing>"}


def test_a_name_is_text_in_the_page(store, server):
    with livecb.init(name="</script><img src=x>", sinks=[], capture=None, system_interval=0) as run:
        run.log({"a": 1.0})
    page = shown(notebook.Frame(store.run(run.id)))
    assert "<img" not in page
    assert page.count("</script>") == 1


def test_behind_a_hub_the_way_is_the_hub_s(frame, server, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    assert given(shown(frame))["base"] == f"/user/ada/proxy/{server.port}/"
    monkeypatch.setenv("LIVECB_PROXY_URL", "https://box.example/p/%PORT%")
    assert given(shown(frame))["base"] == f"https://box.example/p/{server.port}/"


def test_a_server_in_the_kernel_itself_is_the_one_that_is_shown(store):
    sink = ServerSink(0, mode="thread", quiet=True)
    with livecb.init(sinks=[sink], capture=None, system_interval=0) as run:
        assert f":{given(shown(notebook.Frame(store.run(run.id))))['port']}/" in run.url
        assert launch.find(store.root) is None


# What is asked wrongly


@pytest.mark.parametrize("height", [0, 99, 10_001, "600", None])
def test_a_height_that_is_none_is_refused(trained, height):
    with pytest.raises(ValueError, match="expected a height between 100 and 10000 pixels"):
        livecb.show(trained, height=height)


@pytest.mark.parametrize("line", ["--height", "--height tall", "a b", "--wide", "--dir"])
def test_words_that_the_magic_does_not_know_are_refused(line):
    with pytest.raises(ValueError, match=r"expected %livecb \[RUN\]"):
        notebook.magic(line)


def test_a_run_that_is_none_is_refused(trained):
    with pytest.raises(RunNotFound):
        livecb.show("nosuch")
    with pytest.raises(ValueError, match="expected a run that is recorded"):
        livecb.show(7)


def test_outside_of_a_notebook_the_address_is_printed(trained, server, capsys):
    livecb.show()
    told, address = capsys.readouterr().out.splitlines()
    assert told.startswith("livecb: ")
    assert address == server.url(trained.id)


# In a real kernel


def test_a_kernel_shows_runs_and_revokes_its_tokens_when_it_ends(store, served):
    cells = [
        "import livecb\nrun = livecb.init(name='nb', sinks=[], capture=None, system_interval=0)\nrun.log({'a': 1.0})\nrun",
        "%load_ext livecb\n%livecb --height 400",
        "run.finish()\nlivecb.show('nb', control=True)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(book, timeout=120, iopub_timeout=60, kernel_name="python3")
    with client.setup_kernel():
        client.km.shutdown_wait_time = 120.0  # after half of it a kernel is killed, and revokes nothing
        for at, cell in enumerate(book.cells):
            client.execute_cell(cell, at)
        made = Tokens(store).all()
    outputs = [cell.outputs[-1].data for cell in book.cells]
    assert [given(each["text/html"])["height"] for each in outputs] == [600, 400, 600]
    assert "completed" in outputs[2]["text/plain"]
    assert {token.role for token in made} == {"view", "control"}
    assert token_of(store) not in nbformat.writes(book)
    assert Tokens(store).all() == []


# In a real browser


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def notebook_page(folder, page):
    """Serve a page as a notebook's server would, on another port."""
    (folder / "notebook.html").write_text(f"<!doctype html><title>notebook</title><body>{page}")
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    web = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
    yield web.server_port
    web.shutdown()
    web.server_close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_browser_shows_the_page_in_its_frame(frame, trained, tmp_path, browser, host):
    with notebook_page(tmp_path, shown(frame)) as port:
        page = browser.new_page()
        page.goto(f"http://{host}:{port}/notebook.html")
        inner = page.frame_locator("iframe")
        inner.get_by_text(trained.name).first.wait_for(timeout=30_000)
        trained.log({"train/loss": 77.0}, step=51)
        inner.get_by_text("77").first.wait_for(timeout=30_000)
        assert "running" not in page.locator("div").inner_text()
        page.close()


def test_a_frame_in_a_page_of_another_site_is_let_in_too(frame, trained, server, tmp_path, browser):
    address = f"http://localhost:{server.port}/{given(shown(frame))['path']}"
    with notebook_page(tmp_path, f'<iframe src="{address}"></iframe>') as port:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/notebook.html")
        page.frame_locator("iframe").get_by_text(trained.name).first.wait_for(timeout=30_000)
        (cookie,) = [each for each in page.context.cookies() if each["name"].startswith("livecb-")]
        assert (cookie["sameSite"], cookie["secure"]) == ("None", True)
        assert cookie["partitionKey"]
        page.close()


def test_a_browser_that_does_not_reach_the_server_is_told_the_way(frame, server, tmp_path, browser):
    with notebook_page(tmp_path, shown(frame)) as port:
        page = browser.new_page()
        page.route(f"**://*:{server.port}/**", lambda route: route.abort())
        page.goto(f"http://localhost:{port}/notebook.html")
        page.get_by_text(f"ssh -L {server.port}:127.0.0.1:{server.port}").wait_for(timeout=30_000)
        assert "running" in page.locator("div").inner_text()
        page.close()


def test_where_there_is_a_proxy_beside_the_notebook_it_is_taken(frame, server, tmp_path, browser):
    with notebook_page(
        tmp_path, f"<script>document.body.dataset.baseUrl = '/'</script>{shown(frame)}"
    ) as port:
        page = browser.new_page()
        page.route(f"http://localhost:{server.port}/**", lambda route: route.abort())
        there = f"http://localhost:{port}/proxy/{server.port}/"
        page.route(f"{there}api/health", lambda route: route.fulfill(json={"livecb": "x"}))
        page.goto(f"http://localhost:{port}/notebook.html")
        page.locator(f"iframe[src^='{there}r/']").wait_for(timeout=30_000)
        page.close()
