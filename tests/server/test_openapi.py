"""The OpenAPI document: every route is in it, and it is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
from starlette.routing import Route
from watching import Served

from livecb import server
from livecb.server import create_app
from livecb.server.app import routes_of
from livecb.store import Store

SOURCES = Path(server.__file__ or "").parent


def check(document: dict[str, Any], name: str, value: Any) -> None:
    """Raise if a value is none of a schema of the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


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


def test_a_query_is_read_by_the_type_that_describes_it_and_by_nothing_else() -> None:
    allowed = {"query.py", "stream.py", "traffic.py"}
    reading = {path.name for path in SOURCES.glob("*.py") if "query_params" in path.read_text()}
    assert reading <= allowed


def test_the_schemas_in_it_are_schemas_and_fit_what_is_sent(served: Served) -> None:
    document = served.get("api/openapi.json")
    openapi_spec_validator.validate(document)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    check(document, "LabelChange", {"name": "x", "tags": ["a"]})
    check(document, "Problem", served.client.get("api/runs/nothing").json())
    with pytest.raises(jsonschema.ValidationError):
        check(document, "LabelChange", {"name": 3})
