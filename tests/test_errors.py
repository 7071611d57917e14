"""The tree of exceptions: one root, drawn in its module, and nothing beside it that a user would meet."""

import ast
import inspect
import pickle
import re
from pathlib import Path

import pytest

from livecb import errors

SOURCES = Path(errors.__file__).parent

# Raised to leave a framework's loop, or click's: nobody who calls livecb sees them.
WITHIN = {"_NotFound", "Stopped", "Abandoned"}


def drawn():
    """The tree as the docstring draws it: each name and its parent."""
    found, above = {}, []
    for line in (errors.__doc__ or "").split("```")[1].splitlines():
        if (match := re.match(r"([│ ├└─]*)([A-Z]\w+)", line)) is not None:
            depth = len(match[1]) // 4
            above = [*above[:depth], match[2]]
            found[match[2]] = above[-2] if depth else None
    return found


def classes():
    kinds = (BaseException,)
    return {name: it for name, it in vars(errors).items() if inspect.isclass(it) and issubclass(it, kinds)}


def test_the_tree_that_is_drawn_is_the_tree_there_is():
    tree = drawn()
    assert set(tree) == set(classes())
    for name, parent in tree.items():
        above = classes()[name].__bases__[0].__name__
        assert above == (parent or {"LivecbError": "Exception", "LivecbWarning": "UserWarning"}[name])
    assert set(tree) <= set(errors.__all__)


def test_every_exception_of_livecb_has_the_one_root_or_is_never_seen():
    known = {name for name in classes() if name != "LivecbWarning"}
    found = {}
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name] = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    suspects = {
        name: bases
        for name, bases in found.items()
        if any(re.search(r"(Error|Exception|Refused|Interrupt|Exit)$", base) for base in bases)
    }
    assert known <= set(suspects)
    assert [name for name, bases in suspects.items() if name not in WITHIN and not rooted(bases, found)] == [
        "LivecbError"
    ]


def rooted(bases, found):
    return any(base == "LivecbError" or rooted(found.get(base, []), found) for base in bases)


@pytest.mark.parametrize("name", sorted(classes()))
def test_each_says_when_it_is_raised_and_goes_from_process_to_process(name):
    kind = classes()[name]
    assert (kind.__doc__ or "").strip().endswith(".") or "\n" in (kind.__doc__ or "")
    made = kind(404, "No such run", "take another") if name == "ApiError" else kind("what to do")
    again = pickle.loads(pickle.dumps(made))
    assert (type(again), str(again), vars(again)) == (kind, str(made), vars(made))
