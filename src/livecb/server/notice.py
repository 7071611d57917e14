"""A page that needs no build: a few words in the look of the live page."""

from __future__ import annotations

import base64
import hashlib

from starlette.responses import HTMLResponse

__all__ = ["notice"]

_STYLE = """
:root { color-scheme: light dark;
  --bg: #f6f7f8; --surface: #fff; --ink: #14181d; --soft: #4f5964; --rule: #e1e4e8; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #0d1014; --surface: #13171d; --ink: #e8ebef; --soft: #a3adb8; --rule: #262d36; }
}
body { margin: 0; padding: 12vh 16px; background: var(--bg); color: var(--soft);
  font: 15px/1.5 Inter, system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 30rem; margin: auto; padding: 20px 24px 24px; background: var(--surface);
  border: 1px solid var(--rule); border-radius: 10px; }
h1 { margin: 0 0 8px; font-size: 20px; font-weight: 620; color: var(--ink); }
code { font-family: ui-monospace, Menlo, Consolas, monospace; color: var(--ink); }
form { display: flex; gap: 8px; margin-top: 16px; align-items: center; flex-wrap: wrap; }
input, button { font: inherit; color: var(--ink); background: var(--bg); border: 1px solid var(--rule);
  border-radius: 7px; padding: 7px 10px; }
input { flex: 1; min-width: 10rem; }
"""

# The style is named by its hash, so that nothing else could be slipped in.
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CSP = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'self'"


def notice(title: str, body: str, status: int = 200) -> HTMLResponse:
    """Return a page of a title and a body, which is HTML and must hold nothing that came with a request."""
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title} — livecb</title>'
        f"<style>{_STYLE}</style><main><h1>{title}</h1>{body}</main></html>"
    )
    return HTMLResponse(html, status, {"cache-control": "no-store", "content-security-policy": _CSP})
