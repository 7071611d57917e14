"""The OpenAPI document: every route is in it, and it is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
from starlette.routing import Route
from watching import Served

from livecb import server
from livecb.server import create_app
from livecb.server.app import routes_of
from livecb.store import Store

SOURCES = Path(server.__file__ or "").parent


def test_every_route_for_programs_and_each_of_its_methods_is_described(served: Served, store: Store) -> None:
    paths = served.get("api/openapi.json")["paths"]
    routes = [route for route in routes_of(create_app(store).hub) if isinstance(route, Route)]
    mine = [route for route in routes if route.path.startswith("/api") or route.path == "/metrics"]
    assert len(mine) >= 13
    wanted = {
        (route.path, method.lower()) for route in mine for method in (route.methods or set()) - {"HEAD"}
    }
    assert {(path, method) for path, methods in paths.items() for method in methods} == wanted


def test_every_operation_says_what_it_does_and_is_called_by_a_name_of_its_own(served: Served) -> None:
    document = served.get("api/openapi.json")
    operations: list[dict[str, Any]] = [it for item in document["paths"].values() for it in item.values()]
    assert all(operation["summary"].endswith(".") for operation in operations)
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for path, item in document["paths"].items():
        for operation in item.values():
            inside = {it["name"] for it in operation["parameters"] if it["in"] == "path"}
            assert inside == set(re.findall(r"\{(\w+)\}", path))


def test_every_word_of_a_query_that_a_handler_reads_is_described(served: Served) -> None:
    read = {
        word
        for path in SOURCES.glob("*.py")
        for word in re.findall(
            r'(?:query(?:_params)?\.get(?:list)?\(|asked_number\(request, |_bound\(request, |query_params\[)"(\w+)"',
            path.read_text(),
        )
    } - {"last_event_id", "token"}
    described = {
        parameter["name"]
        for item in served.get("api/openapi.json")["paths"].values()
        for operation in item.values()
        for parameter in operation["parameters"]
    }
    assert read - described == set()


def test_the_schemas_in_it_are_schemas_and_fit_what_is_sent(served: Served) -> None:
    schemas = served.get("api/openapi.json")["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"name": "x", "tags": ["a"]}, schemas["LabelChange"])
    jsonschema.validate(served.client.get("api/runs/nothing").json(), schemas["Problem"])
