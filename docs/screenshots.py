"""Takes the pictures of the README from the real page, while the demo trains.

python docs/screenshots.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-quic"
).split()
PICTURES = (
    ("run-light", 1360, 900, "light"),
    ("run-dark", 1360, 900, "dark"),
    ("phone-light", 390, 844, "light"),
)
# Not before its curves are there, too: a loaded machine takes a while.
HALF_WAY = """
window.livecb?.state()?.progress?.fraction > 0.45
  && livecb.link().kind === "live" && livecb.counts()["val/loss"] > 9
"""


def main() -> None:
    """Train, and take each picture at about half of the way."""
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-u", "-m", "livecb", "demo", "--no-browser", "--dir", folder]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert demo.stdout is not None
        try:
            url = next(found[0] for line in demo.stdout if (found := re.search(r"http://\S+/r/\S+", line)))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                for name, width, height, scheme in PICTURES:
                    view = {"width": width, "height": height}
                    page = browser.new_context(viewport=view, color_scheme=scheme, bypass_csp=True).new_page()
                    page.goto(url)
                    page.wait_for_function(HALF_WAY, timeout=600_000)
                    page.wait_for_timeout(500)
                    page.screenshot(path=IMAGES / f"{name}.png")
                browser.close()
        finally:
            demo.terminate()
            demo.wait()


if __name__ == "__main__":
    main()
