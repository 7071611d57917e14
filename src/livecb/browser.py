"""Opening a browser, without telling everybody the token."""

from __future__ import annotations

import html
import os
import sys
import tempfile
from pathlib import Path

__all__ = ["detour", "open_browser"]


def open_browser(url: str) -> None:
    """Open a browser where a person sits in front of one."""
    has_display = sys.platform in ("darwin", "win32") or any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY"))
    )
    if has_display and sys.stdout.isatty() and not os.environ.get("SSH_CONNECTION"):
        import webbrowser

        webbrowser.open(detour(url).as_uri())


def detour(url: str) -> Path:
    """Return a file that leads to an address, and that only this user can read.

    A browser's command line is there for everybody to read, and the address holds the token.
    """
    folder = Path(tempfile.mkdtemp(prefix="livecb-open-"))  # made for its owner only
    path = folder / "open.html"
    path.write_text(f'<meta http-equiv="refresh" content="0;url={html.escape(url)}"><title>livecb</title>')
    return path
