"""Front ends of one's own, as the examples have them: a page beside FastAPI, and a leaderboard in React."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from browsing import Server
from playwright.sync_api import Browser, Error, Page, expect
from scripting import NODE
from watching import Writer

from livecb.server import launch
from livecb.server.token import token_of
from livecb.store import Store

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MODULES = ROOT / "src/livecb/page/node_modules"
PATIENCE = 60_000


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab that must not ask another host than this machine."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()
    assert {url.split("/")[2].split(":")[0] for url in asked if not url.startswith("data:")} == {"127.0.0.1"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of the test's own: the examples show all runs there are."""
    return Store(tmp_path / "store")


@pytest.fixture
def app(store: Store, free_port: int) -> Iterator[str]:
    environment = os.environ | {"LIVECB_DIR": str(store.root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(free_port), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=EXAMPLES / "own_page", env=environment)
    address = f"http://127.0.0.1:{free_port}/"
    while True:
        try:
            urllib.request.urlopen(address, timeout=30).close()
            break
        except OSError:
            assert process.poll() is None, "the app ended"
            threading.Event().wait(0.1)
    yield address
    process.kill()
    process.wait()


def test_a_page_of_ones_own_starts_a_training_follows_it_and_stops_it(page: Page, app: str) -> None:
    expect.set_options(timeout=PATIENCE)
    page.goto(app)
    page.get_by_role("button", name="Train").click()
    status, curve = page.locator("#status"), page.locator("#curve")
    expect(status).to_have_text("completed")
    expect(curve).to_have_attribute("data-points", "900")
    assert float(page.locator("#accuracy").inner_text()) > 0.85
    page.reload()  # who comes late sees the same
    expect(status).to_have_text("completed")  # until then nothing can be stopped, whatever goes on
    expect(curve).to_have_attribute("data-points", "900")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    assert page.context.browser is not None
    other = page.context.browser.new_page()
    other.goto(app)  # opened while nothing trains
    run = page.evaluate("fetch('./train?epochs=100000', {method: 'POST'}).then(answer => answer.json())")[
        "run"
    ]
    page.goto(app)  # who does not know its id sees the one that trains
    expect(other.locator("#status")).to_have_text("running")
    page.get_by_role("button", name="Stop").click()
    expect(status).to_have_text("stopped")
    page.goto(f"{app}?run={run}")
    expect(status).to_have_text("stopped")
    assert page.locator("#problem").inner_text() == ""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The React example, built and served by a host of files; the packages are those that the page is built with."""
    built = tmp_path_factory.mktemp("board")
    example = built / "example"
    example.mkdir()
    for path in (EXAMPLES / "react_leaderboard").rglob("*"):
        if path.is_file() and "node_modules" not in path.parts:
            copy = example / path.relative_to(EXAMPLES / "react_leaderboard")
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (example / "node_modules").symlink_to(MODULES)
    for command in (["typescript/bin/tsc", "-p", "."], ["vite/bin/vite.js", "build", "--logLevel", "warn"]):
        subprocess.run([NODE, MODULES / command[0], *command[1:]], cwd=example, check=True)
    handler = functools.partial(_Quiet, directory=str(example / "dist"))
    serving = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_address[1]}"
    serving.shutdown()
    serving.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_a_leaderboard_in_react_fills_as_models_are_compared(
    page: Page, board: str, store: Store, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect.set_options(timeout=PATIENCE)
    monkeypatch.setenv("LIVECB_ALLOWED_ORIGINS", board)
    server = Server(store.root, free_port)
    server.start()
    page.goto(f"{board}/?server={quote(f'{server.address}?token={token_of(store)}', safe='')}")
    status = page.get_by_role("status")
    expect(status).to_have_text("No run yet: start a comparison.")
    environment = os.environ | {"LIVECB_MODE": "offline", "OMP_NUM_THREADS": "1"}
    script = [sys.executable, "-W", "ignore", EXAMPLES / "sklearn_compare.py"]
    comparison = subprocess.Popen(script, env=environment, stdout=subprocess.DEVNULL)
    rows = page.locator("tbody tr")
    expect(rows.first).to_be_visible()
    server.kill()
    expect(status).to_have_attribute("data-connected", "false")
    expect(status).to_contain_text("trying again")
    server.start()
    expect(status).to_contain_text("completed")
    expect(status).to_have_attribute("data-connected", "true")
    expect(rows).to_have_count(7)
    assert [row.locator("td").first.inner_text() for row in rows.all()] == ["1", "2", "3", "4", "5", "6", "–"]
    scores = [float(row.locator("td").nth(2).inner_text()) for row in rows.all()[:6]]
    assert scores == sorted(scores, reverse=True)
    assert "impossible" in rows.last.inner_text()
    assert comparison.wait(60) == 0
    server.kill()


PREACT = """<!doctype html><title>mine</title><link rel="icon" href="data:,"><p role="status"></p>
<script type="importmap">{"imports": {"react": "./preact/compat/dist/compat.mjs",
  "preact": "./preact/dist/preact.mjs", "preact/hooks": "./preact/hooks/dist/hooks.mjs"}}</script>
<script type="module">
  import { h, render } from "preact";
  const { useLiveRun } = await import(ADDRESS + "client-react.js");
  function View() {
    const { state, totalCount, isConnected, send } = useLiveRun(RUN, { token: TOKEN });
    window.send = send;
    return `${state?.name} ${totalCount} ${isConnected}`;
  }
  render(h(View), document.querySelector("p"));
</script>
"""


def test_the_hook_serves_preact_without_a_build(
    page: Page, writer: Writer, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect.set_options(timeout=PATIENCE)
    (tmp_path / "preact").symlink_to(MODULES / "preact")
    site = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=site.serve_forever, args=(0.02,), daemon=True).start()
    origin = f"http://127.0.0.1:{site.server_address[1]}"
    monkeypatch.setenv("LIVECB_ALLOWED_ORIGINS", origin)
    server = launch.ThreadServer(store, port=0)
    address = f"http://127.0.0.1:{server.start().port}/"
    words = {"ADDRESS": address, "RUN": writer.run.id, "TOKEN": token_of(store)}
    html = functools.reduce(lambda text, word: text.replace(word, json.dumps(words[word])), words, PREACT)
    (tmp_path / "index.html").write_text(html)
    page.goto(origin)
    expect(page.get_by_role("status")).to_have_text("a run 1 true")
    writer.metrics(3)
    expect(page.get_by_role("status")).to_have_text("a run 4 true")
    with pytest.raises(Error, match="has not said that it obeys"):
        page.evaluate("send('pause')")
    server.stop()
    site.shutdown()
    site.server_close()


def test_the_code_of_the_docs_is_typescript(tmp_path: Path) -> None:
    text = (ROOT / "docs/how-to/typescript.md").read_text()
    blocks = re.findall(r"^```(tsx?)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"ts", "tsx"}
    (tmp_path / "node_modules").symlink_to(MODULES)
    settings = (
        (EXAMPLES / "react_leaderboard/tsconfig.json").read_text().replace('"src", "vite.config.ts"', '"*"')
    )
    (tmp_path / "tsconfig.json").write_text(settings)
    for number, (kind, code) in enumerate(blocks):
        (tmp_path / f"block{number}.{kind}").write_text(code)
    done = subprocess.run(
        [NODE, MODULES / "typescript/bin/tsc", "-p", "."], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == ""
    assert done.returncode == 0
