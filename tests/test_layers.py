"""Imports point one way: which room of the house knows which other.

A room may import what MAY allows it, wherever in a module the import stands; imports for type
checkers alone are free. A module of no room, and a distribution that THIRD does not know, is a
question to be answered here first.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "livecb"

ROOMS = {
    "facts": "errors events events.* strict values",
    "logs": "logs logs.*",
    "store": "baselines lock store trash whole words",
    "commands": "control control.commands",
    "state": "about attempt columns gaps leaderboard marks metric names pace series state steering tally thinning",
    "run": "axes bar capture config control.criterion control.inbox control.lookout control.parameter control.steered control.steering endings handler latest logged loops media meter progress resume run start system tensorboard track turn verbs warned watch writer",
    "sinks": "sinks sinks.*",
    "callbacks": "callbacks callbacks.*",
    "server": "server server.*",
    "client": "client client.*",
    "reading": "listing lookup sending tailing text",
    "terminal": "terminal terminal.*",
    "notebook": "notebook",
    "testing": "testing",
    "demo": "demo demo.*",
    "program": "program program.*",
    "cli": "browser cli __main__ comparing exporting noting rights viewing watching",
}

MAY = {
    "facts": "",
    "logs": "facts",
    "store": "facts logs",
    "state": "facts",
    "commands": "facts logs store",
    "run": "facts logs store commands sinks",
    "sinks": "facts logs store reading",
    "callbacks": "facts commands run sinks",
    "server": "facts logs store commands state",
    "client": "commands facts logs store",
    "reading": "facts logs store commands state",
    "terminal": "facts logs store commands state reading",
    "notebook": "facts store reading run server",
    "testing": "facts logs store state",
    "demo": "run sinks callbacks",
    "program": "facts state run sinks",
    "cli": "facts store commands reading terminal server demo program",
}

# The sink that starts a server knows how one is started, and nothing else of it; the client knows how one is found.
# A run shows itself in a notebook by what reads it there.
EXCEPTIONS = {
    ("sinks.server", "server.door"),
    ("sinks.server", "server.launch"),
    ("sinks.server", "server"),
    ("client.calls", "server.launch"),
    ("verbs", "notebook"),
}

THIRD = {
    "msgspec": "*",
    "click": "cli comparing exporting noting rights server.__main__ viewing watching",
    "httpx": "logs.http",
    "psutil": "lock system",
    "pynvml": "system",
    "numpy": "client.curves media tensorboard callbacks.sklearn_models",
    "pandas": "client.curves",
    "PIL": "media",
    "pyarrow": "server.export",
    "starlette": "server.*",
    "uvicorn": "server.connection server.forwarded server.serve",
    "h11": "server.connection",
    "lightning": "demo.lightning_demo",
    "sklearn": "demo.lightning_demo callbacks.sklearn*",
    "torch": "callbacks.gan callbacks.gan_samples callbacks.generation callbacks.helm callbacks.random_state demo.* watch",
    "keras": "callbacks.keras callbacks.keras_control",
    "IPython": "notebook",
    "rich": "terminal.*",
    "textual": "terminal.*",
    "textual_plotext": "terminal.chart",
    "xgboost": "callbacks.xgboost",
    "skorch": "callbacks.skorch",
    "accelerate": "callbacks.accelerate",
    "fastai": "callbacks.fastai",
    "transformers": "callbacks.generation callbacks.transformers demo.transformers_demo",
}

PURE = "about attempt columns events events.lines events.vocabulary gaps leaderboard marks metric names pace series state steering strict tally thinning"
NO_IO = {
    "io",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}

PATHS = [path for path in ROOT.rglob("*.py") if "page" not in path.relative_to(ROOT).parts]


def name_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield what a module imports, and whether already when it is imported itself."""
    yield from _imports(ast.parse(path.read_text()), True)


def _imports(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name, at_once) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            modules = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from ((name if is_module(name) else child.module, at_once) for name in modules)
        yield from _imports(child, at_once and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def room_of(module: str) -> str | None:
    found = [room for room, names in ROOMS.items() if any(fnmatch(module, name) for name in names.split())]
    return found[0] if found else None


MODULES = {name_of(path): list(imports(path)) for path in PATHS if name_of(path) != "__init__"}


def ours(module: str) -> set[str]:
    return {name.removeprefix("livecb.") for name, _ in MODULES[module] if name.startswith("livecb.")}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module):
    room = room_of(module)
    assert room is not None, f"{module} stands in no room; see ROOMS"
    allowed = {room, *MAY[room].split()}
    wrong = {
        name for name in ours(module) if room_of(name) not in allowed and (module, name) not in EXCEPTIONS
    }
    assert not wrong, f"{module} ({room}) may import {sorted(allowed)} only"


@pytest.mark.parametrize("module", MODULES)
def test_a_distribution_is_imported_only_where_it_belongs(module):
    others = (
        {name.partition(".")[0] for name, _ in MODULES[module]} - set(sys.stdlib_module_names) - {"livecb"}
    )
    wrong = {
        name for name in others if not any(fnmatch(module, where) for where in THIRD.get(name, "").split())
    }
    assert not wrong


@pytest.mark.parametrize("module", PURE.split())
def test_what_is_pure_touches_nothing_outside(module):
    assert not NO_IO & {name.partition(".")[0] for name, _ in MODULES[module]}
    assert ours(module) <= {"errors", *PURE.split()}


def test_modules_import_each_other_in_no_circle():
    at_once = {
        module: {name.removeprefix("livecb.") for name, now in found if now and name.startswith("livecb.")}
        for module, found in MODULES.items()
    }
    assert list(TopologicalSorter(at_once).static_order())


def test_a_module_is_no_longer_than_a_person_reads_at_once():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in PATHS}
    del lengths["events.vocabulary"]  # a table of types: read row by row
    del lengths["server.answers"]  # likewise
    assert {name: length for name, length in lengths.items() if length > 350} == {}


# What `import` really loads

HEAVY = [
    "httpx",
    "numpy",
    "redis",
    "starlette",
    "torch",
    "uvicorn",
    "websockets",
    "lightning",
    "sklearn",
    "transformers",
]


@pytest.mark.parametrize(
    "module", ["livecb", "livecb.sinks", "livecb.server.launch", "livecb.state", "livecb.testing"]
)
def test_importing_it_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == "[]\n"


def test_importing_the_server_loads_no_framework():
    code = "import sys, livecb.server.serve; print(sorted(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(ast.literal_eval(result.stdout))
    assert not loaded & {"torch", "lightning", "transformers", "numpy", "livecb.callbacks"}
