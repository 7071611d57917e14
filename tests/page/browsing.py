"""A server, a trainer and a browser as the page's tests use them: each a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from everything import ARABIC, EMOJI, LONG
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, TimeoutError

from livecb.server.token import token_of
from livecb.store import Store

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-quic"
).split()
# Each window would keep a renderer for every popup of an address bar that nobody sees: a second of a processor.
# Of two lists of features Chromium takes the last, so what Playwright turns off stands here, too.
FLAGS.append(
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsFirstBalancedModeAutoEnable,"
    "HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,"
    "PreconnectToSearch,ThirdPartyStoragePartitioning"
)
ALONE = "delete window.SharedWorker"
"""Makes a browser one without shared workers, as some phones' are, or a frame that may have none."""
DESKTOP, PHONE = (1360, 900), (390, 844)
VIEWS = {
    "Curves": ".chart canvas",
    "Leaderboard": ".board tbody tr",
    "Images": ".frame img",
    "Samples": ".samples tbody tr",
    "Media": ".other.histogram canvas",
    "Log": ".console.tall .row, .console.tall .none:has-text('No lines')",
    "Values": "[aria-label='Latest values'] tbody tr",
    "Config": ".panel .config",
}
"""Each view, and what is there once it is shown."""
SHOTS = Path(__file__).parents[2] / "build" / "page"
AXE = Path(__file__).parents[2] / "src/livecb/page/node_modules/axe-core/axe.min.js"


def port_of_nobody() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A livecb server as a process, on one port for the whole test."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.port = folder, port or port_of_nobody()
        self.address = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "livecb.server", "--dir", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.address + "api/health", timeout=5).close()
                return
            except OSError:
                try:
                    assert self.process.wait(0.05) == 0, "the server ended"
                except subprocess.TimeoutExpired:
                    continue
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def url(self, run: str = "") -> str:
        path = f"r/{run}" if run else ""
        return f"{self.address}{path}?token={token_of(Store(self.folder))}"


class TrainerProcess:
    """A training that does what it is told, and answers when it has."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        script = Path(__file__).with_name("trainer.py")
        command = [sys.executable, str(script), str(folder), "--obey", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.run = self._answer()

    def tell(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        assert self._answer() == "done"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline().strip()
        assert answer, "the trainer ended"
        return answer


class Everything:
    """A server of the runs of `everything.py`; the first of them goes on."""

    LONG, ARABIC, EMOJI = LONG, ARABIC, EMOJI

    def __init__(self, server: Server) -> None:
        self.server = server
        script = Path(__file__).with_name("everything.py")
        command = [sys.executable, str(script), str(server.folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        names = ("everything", LONG, ARABIC, EMOJI, "out of memory", "nothing yet")
        self.runs = {name: self.process.stdout.readline().strip() for name in names}
        assert all(self.runs.values()), self.runs

    @property
    def token(self) -> str:
        return str(token_of(Store(self.server.folder)))

    def url(self, name: str = "") -> str:
        return self.server.url(self.runs.get(name, name))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Watched:
    """A browser that notes what a good page never does."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._host = browser, urlsplit(address).netloc
        self._contexts: list[BrowserContext] = []
        self.foreign: list[str] = []
        self.errors: list[str] = []

    def open(self, url: str, size: tuple[int, int] = DESKTOP, scheme: str = "light", **more: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = self._browser.new_context(viewport=viewport, color_scheme=scheme, **more)  # type: ignore[arg-type]
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self._note_request(request.url))
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note_request(self, url: str) -> None:
        if urlsplit(url).netloc != self._host:
            self.foreign.append(url)

    def _note_console(self, message: ConsoleMessage) -> None:
        # Chromium reports requests that a server which is away did not answer, and that these tests
        # read a canvas: neither is an error of the page.
        ours = ("Failed to load resource", "WebSocket connection to", "getImageData")
        if message.type in ("error", "warning") and not any(words in message.text for words in ours):
            self.errors.append(message.text)


def wait_for(page: Page, condition: str, argument: object = None, seconds: float = 20) -> None:
    """Wait until a JavaScript condition on `livecb` (see page/src/debug.ts) holds."""
    try:
        page.wait_for_function(
            f"wanted => window.livecb && ({condition})", arg=argument, timeout=seconds * 1000
        )
    except TimeoutError:
        known = page.evaluate(
            "window.livecb && [livecb.link(), livecb.counts(), livecb.logs(), livecb.cursor()]"
        )
        badge = page.locator("header .badge").get_attribute("title")
        raise AssertionError(f"waited in vain for {condition} with {argument}: {known}, {badge}") from None


def point_at(target: Locator, shown: Locator, seconds: float = 20) -> None:
    """Point at something until that shows what it has to say: what stands above may move it away meanwhile."""
    deadline = time.monotonic() + seconds
    while not shown.is_visible():
        assert time.monotonic() < deadline, f"pointed in vain at {target} for {shown}"
        target.hover()
        target.page.wait_for_timeout(100)


INK = """
([chart, least]) => {
  const canvas = document.querySelector(`[data-chart="${chart}"] canvas`);
  if (!canvas) return false;
  const style = getComputedStyle(document.documentElement).getPropertyValue("--s1").trim();
  const [r, g, b] = [1, 3, 5].map(at => parseInt(style.slice(at, at + 2), 16));
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let i = 0; i < data.length; i += 4) {
    const off = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
    if (data[i + 3] > 200 && off < 60) ink++;
  }
  return ink >= least;
}
"""


def wait_for_ink(page: Page, chart: str, least: int = 300) -> None:
    """Wait until a chart shows a line in the colour of the training: at least so many pixels of it."""
    page.wait_for_function(INK, arg=[chart, least], timeout=10_000)


def wait_for_steps(page: Page, metric: str, steps: list[int]) -> None:
    """Wait for as many points as there should be, then see that each is there exactly once."""
    wait_for(page, f"livecb.counts()['{metric}'] >= wanted", len(steps))
    known = page.evaluate(f"livecb.points('{metric}').step")
    missing, twice = sorted({*steps} - {*known}), sorted({step for step in known if known.count(step) > 1})
    assert known == steps, f"missing {missing}, more than once {twice}, else {sorted({*known} - {*steps})}"


def complaints(page: Page, rules: Sequence[str] = (), within: str = "html") -> list[str]:
    """What axe finds wrong with the page, or a part, by WCAG 2.2 AA and best practices; or by some rules only."""
    if not page.evaluate("!!window.axe"):  # half a megabyte, to be read but once
        page.evaluate(f"(() => {{ {AXE.read_text()} }})()")
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    found = page.evaluate("([within, options]) => axe.run(within, options)", [within, options])
    found = found["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for one in found
        for node in one["nodes"]
    ]
