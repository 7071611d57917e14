"""What the docs promise: nothing is missing in them, and their code runs."""

import ast
import importlib
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest
from starlette.routing import Mount

from livecb import events
from livecb.cli import main
from livecb.server import create_app
from livecb.server.app import routes_of
from livecb.server.frames import CHANNELS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
RUN = [
    "tutorial/first-run.md",
    "how-to/plain-loop.md",
    "how-to/drop-ins.md",
    "how-to/async.md",
    "how-to/sinks.md",
    "how-to/fastapi.md",
    "how-to/testing.md",
]
# Waiting teaches a reader something; nothing waits here. And -W knows no warnings of packages in a virtual environment.
STRICT = """
import time, warnings
import livecb
time.sleep = lambda seconds: None
warnings.simplefilter("error", livecb.LivecbWarning)
"""
PUBLIC = ["livecb", "livecb.sinks", "livecb.testing"]


def text_of(name):
    return (DOCS / "reference" / name).read_text()


def blocks(path):
    found = re.findall(r"^( *)```python\n(.*?)^ *```", path.read_text(), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for _, code in found]


def commands():
    return [(name, command) for name, command in main.commands.items()]


def test_the_page_of_events_is_made_from_the_types():
    sys.path.insert(0, str(DOCS))
    try:
        made = importlib.import_module("events_page").page()
    finally:
        sys.path.remove(str(DOCS))
    assert text_of("events.md") == made, "run python docs/events_page.py"


def test_every_route_is_in_the_reference(store):
    told = re.sub(r"\{\w+\}", "{}", text_of("http.md"))
    routes = routes_of(create_app(store).hub)
    paths = {route.path + ("/..." if isinstance(route, Mount) else "") for route in routes}
    bare = {re.sub(r"\{\w+\}", "{}", path) for path in paths}
    assert {path for path in bare if not re.search(rf"[ `]{re.escape(path)}(?![\w/{{])", told)} == set()


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_and_what_is_in_it_are_in_the_reference(channel):
    types = re.search(rf"`{channel}` \(([^)]*)\)", text_of("http.md"))
    named = set(types[1].split(", ")) if types else {channel}
    assert named == CHANNELS[channel]
    assert named <= set(events.EVENTS)


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_and_each_of_its_options_is_in_the_reference(name, command):
    sections = re.split(r"^## ", text_of("cli.md"), flags=re.MULTILINE)
    (section,) = [section for section in sections if re.match(rf"`livecb {name}\b", section)]
    options = [opt for param in command.params if isinstance(param, click.Option) for opt in param.opts]
    assert [option for option in options if f"`{option}" not in section] == []


def test_every_variable_of_the_environment_is_in_the_reference():
    sources = [path.read_text() for path in (ROOT / "src" / "livecb").rglob("*.py")]
    used = {name for source in sources for name in re.findall(r"LIVECB_[A-Z_]+", source)}
    told = set(re.findall(r"^\| `(LIVECB_[A-Z_]+)` \|", text_of("environment.md"), re.MULTILINE))
    assert used == told


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module):
    names = [name for name in importlib.import_module(module).__all__ if name != "__version__"]
    missing = [name for name in names if f"::: {module}.{name}\n" not in text_of("python.md")]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_is_code(path):
    for code in blocks(path):
        ast.parse(code)


@pytest.mark.parametrize("page", RUN)
def test_code_runs(page, tmp_path):
    script = "\n".join([STRICT, *blocks(DOCS / page)])
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "LIVECB_MODE": "offline"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr


FRAMEWORKS = [
    "how-to/control.md",
    "how-to/lightning.md",
    "how-to/transformers.md",
    "how-to/samples.md",
    "how-to/gan.md",
    "how-to/boosting.md",
    "how-to/catboost.md",
    "how-to/lightgbm.md",
    "how-to/xgboost.md",
    "how-to/optuna.md",
    "how-to/sklearn.md",
    "how-to/keras.md",
    "how-to/skorch.md",
    "how-to/accelerate.md",
    "how-to/fastai.md",
]


@pytest.mark.parametrize("page", FRAMEWORKS)
def test_code_for_frameworks_runs(page, tmp_path, monkeypatch):
    code = blocks(DOCS / page)
    assert code
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVECB_MODE", "offline")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    # Here, where the frameworks may have been imported before.
    exec(compile("\n".join(code), page, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    ours = [link for link in links if "://" not in link]
    assert [link for link in ours if not (path.parent / link).exists()] == []


def test_the_site_is_built_without_a_warning(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    pages = [path.read_text() for path in tmp_path.rglob("*.html")]
    assert len(pages) >= len(list(DOCS.rglob("*.md")))
    # The site, as the page, asks no other host for anything.
    loaded = [
        link
        for page in pages
        for link in re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"', page)
    ]
    assert loaded == []
