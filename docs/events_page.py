"""Writes `reference/events.md` from the types: `python docs/events_page.py`.

A test holds the page to what this makes; the page is never written by hand.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import msgspec

from livecb import events
from livecb.events.lines import FREE_FORM

PAGE = Path(__file__).parent / "reference" / "events.md"

INTRO = """# Events

<!-- Written by docs/events_page.py from livecb.events. -->

A run's log is a file of JSON lines, `events.jsonl`; each line is one event. The line on disk is what
the stream sends and what a WebSocket receives. `livecb schema` prints the JSON Schema (draft 2020-12)
of a line.

```json
{"type":"metrics","seq":12,"time":1795230000.123,"step":6,"batch":12,"epoch":0.75,"values":{"loss":0.31}}
```

- `type` stands first, so that a filter need not parse.
- A field that has its default is left out.
- JSON has no NaN and no infinities. Where a number belongs they are the strings `"NaN"`, `"Infinity"`
  and `"-Infinity"`; in free-form fields (FREE_FORM) they are `{"$float": "NaN"}`.
  `livecb.events.decode` restores both.
- `version` in `run_started` is the version of this vocabulary, now VERSION. Readers meet newer ones, and
  types they do not know, without harm: such events are counted and passed on as they are.
"""

_ITEM = re.compile(r"^ {4}(\w+(?:, \w+)*): (.*(?:\n {8}.*)*)", re.MULTILINE)


def page() -> str:
    """Return the whole page."""
    types = [_section(f"`{tag}`", kind) for tag, kind in events.EVENTS.items()]
    parts = [
        _section(f"`{kind.__name__}`", kind)
        for kind in (events.Totals, events.FileRef, events.Gpu, events.Parameter)
    ]
    every = _section("Every event", events.Event)
    free = ", ".join(f"`{name}`" for name in sorted(FREE_FORM))
    intro = INTRO.replace("VERSION", str(events.VERSION)).replace("FREE_FORM", free)
    sections = [intro, every, *types, "## Parts\n", *parts]
    return "\n".join(sections)


def _section(title: str, kind: type[msgspec.Struct]) -> str:
    told, described = _docstring(kind)
    common = set() if kind is events.Event else set(events.Event.__struct_fields__)
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in common]
    level = "###" if kind in (events.Totals, events.FileRef, events.Gpu, events.Parameter) else "##"
    lines = [f"{level} {title}\n", f"{told}\n"]
    if fields:
        lines += ["| field | type | default | |", "| --- | --- | --- | --- |"]
        for field in fields:
            told = described.get(field.name, "")
            lines.append(f"| `{field.name}` | `{_type(kind, field.name)}` | {_default(field)} | {told} |")
    return "\n".join(lines) + "\n"


def _docstring(kind: type) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(kind) or ""
    told, _, attributes = text.partition("\nAttributes:\n")
    described = {
        name: " ".join(what.split())
        for names, what in _ITEM.findall(attributes)
        for name in names.split(", ")
    }
    return " ".join(told.split()), described


def _type(kind: type, name: str) -> str:
    for base in kind.__mro__:
        annotation = inspect.get_annotations(base).get(name)
        if annotation is not None:
            return str(annotation).replace("|", "\\|").replace("JsonObject", "object")
    raise LookupError(name)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    default = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return f"`{msgspec.json.encode(default).decode()}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
