"""What the API can do and what it says, beside the clients: nothing is left out but what stands here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from livecb.client import AsyncClient, Client, RunRow, RunState
from livecb.server import answers
from livecb.server.app import create_app, routes_of
from livecb.server.openapi import document
from livecb.store import Store

ROOT = Path(__file__).parents[2]
TYPESCRIPT = ROOT / "src/livecb/page/client"

VERBS = {
    "GET /api/access": "access",
    "GET /api/audit": "audit",
    "GET /api/baselines": "baselines.list",
    "POST /api/baselines": "baselines.create",
    "GET /api/baselines/{name}": "baselines.get",
    "PATCH /api/baselines/{name}": "baselines.update",
    "DELETE /api/baselines/{name}": "baselines.delete",
    "GET /api/runs": "list each_run",
    "GET /api/runs/{run}": "get",
    "PATCH /api/runs/{run}": "rename tag archive",
    "DELETE /api/runs/{run}": "delete",
    "GET /api/runs/{run}/checkpoints": "checkpoints",
    "GET /api/runs/{run}/checkpoints/{number}": "download_checkpoint",
    "POST /api/runs/{run}/commands": "send",
    "GET /api/runs/{run}/compare": "compare",
    "GET /api/runs/{run}/errors": "errors",
    "GET /api/runs/{run}/events": "events follow read logs",
    "POST /api/runs/{run}/events": "append",
    "GET /api/runs/{run}/export": "export",
    "GET /api/runs/{run}/files/{digest}": "file download",
    "PUT /api/runs/{run}/files/{digest}": "upload",
    "GET /api/runs/{run}/flat": "flat",
    "GET /api/runs/{run}/images": "images each_image",
    "GET /api/runs/{run}/leaderboard": "leaderboard",
    "GET /api/runs/{run}/logs": "search",
    "GET /api/runs/{run}/marks": "marks",
    "GET /api/runs/{run}/media": "media",
    "GET /api/runs/{run}/metrics": "values",
    "GET /api/runs/{run}/model": "download_model",
    "GET /api/runs/{run}/notes": "notes",
    "POST /api/runs/{run}/notes": "note",
    "PATCH /api/runs/{run}/notes/{note}": "edit_note",
    "DELETE /api/runs/{run}/notes/{note}": "delete_note",
    "GET /api/runs/{run}/samples": "samples each_sample",
    "GET /api/runs/{run}/series": "metrics",
    "GET /api/runs/{run}/share": "shares",
    "POST /api/runs/{run}/share": "share",
    "DELETE /api/runs/{run}/share/{name}": "unshare",
    "GET /api/tokens": "tokens.list",
    "POST /api/tokens": "tokens.create",
    "DELETE /api/tokens/{name}": "tokens.revoke",
    "GET /api/trash": "trash.list",
    "DELETE /api/trash": "trash.empty",
    "POST /api/trash/{run}": "restore",
    "DELETE /api/trash/{run}": "trash.remove",
}

WITHOUT = {
    "GET /api/openapi.json": "it describes the API to those who have no client",
    "GET /api/schema": "events come as objects already",
    "GET /api/health": "it tells servers apart before a client is made",
    "GET /api/stream": "`follow` is for one run; several are followed side by side",
    "GET /api/runs/{run}/lines": "it places a scroll bar: `search` and `logs` give the lines",
    "GET /metrics": "it is in the words of Prometheus",
}

OTHERWISE = {
    "download_checkpoint": "checkpoint",
    "download_model": "model",
    "search": "logs",
    "download": "file",
    "read": "events",
}
"""What TypeScript calls otherwise: it gives bytes where Python saves files, and pages where Python iterates."""


def found(kind: Any, verb: str) -> Any:
    """Return a client's verb."""
    noun, _, name = verb.rpartition(".")
    if noun:
        made = kind("http://127.0.0.1:1")
        return getattr(getattr(made, noun), name)
    return getattr(kind, name)


def test_each_operation_of_the_api_is_a_verb_of_the_clients_or_says_why_not(store: Store) -> None:
    said = document(routes_of(create_app(store).hub))
    operations = {f"{method.upper()} {path}" for path, methods in said["paths"].items() for method in methods}
    assert operations - VERBS.keys() - WITHOUT.keys() == set()
    assert {*VERBS, *WITHOUT} - operations - {"GET /api/runs/{run}/lines"} == set()


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_both_python_clients_have_all_verbs(kind: Any) -> None:
    for verb in " ".join(VERBS.values()).split():
        assert callable(found(kind, verb)), verb
        assert inspect.getdoc(found(kind, verb)), verb


def test_typescript_has_all_verbs_too() -> None:
    sources = {path.stem: path.read_text() for path in TYPESCRIPT.glob("*.ts")}
    for verb in " ".join(VERBS.values()).split():
        noun, _, name = OTHERWISE.get(verb, verb).rpartition(".")
        camel = re.sub(r"_(\w)", lambda match: match[1].upper(), name)
        source = sources[noun] if noun else sources["client"] + sources["reader"]
        assert re.search(rf"^  (async \*?)?{camel}\(", source, re.MULTILINE), verb


@pytest.mark.parametrize(("mine", "theirs"), [(RunRow, answers.RunRow), (RunState, answers.RunState)])
def test_what_a_server_says_of_a_run_has_a_field_of_its_own(mine: Any, theirs: Any) -> None:
    assert {*theirs.__struct_fields__} - {*mine.__struct_fields__} == set()
