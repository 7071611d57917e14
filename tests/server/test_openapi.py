"""The OpenAPI document: every route is in it, and it is one."""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
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
from livecb.server.examples import EXAMPLES
from livecb.server.gate import Gate, Rule
from livecb.server.openapi import document
from livecb.store import Store

SOURCES = Path(server.__file__ or "").parent

# Of bytes OpenAPI has nothing more to say than their media type.
BYTES = {"*/*", "application/octet-stream", "application/x-tar", "application/vnd.apache.parquet"}

Told = dict[str, Any]


def rules(store: Store) -> list[tuple[str, str, Rule]]:
    """Every route for programs with each of its methods, and who may have it answer."""
    routes = [route for route in routes_of(create_app(store).hub) if isinstance(route, Route)]
    mine = [route for route in routes if route.path.startswith("/api") or route.path == "/metrics"]
    assert len(mine) > 30
    gates = [(route.path, route.endpoint) for route in mine]
    assert all(isinstance(gate, Gate) for _, gate in gates)
    return [(path, method, rule) for path, gate in gates for method, rule in gate.rules.items()]


@pytest.fixture
def described(store: Store) -> Told:
    return document(routes_of(create_app(store).hub))


def operations(described: Told) -> Iterator[tuple[str, Told]]:
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def statuses_in(module: str) -> set[int]:
    """The statuses of the problems that a module raises."""
    calls = [
        it for it in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))) if isinstance(it, ast.Call)
    ]
    named = [it for it in calls if isinstance(it.func, ast.Name) and it.func.id == "Problem" and it.args]
    return {it.args[0].value for it in named if isinstance(it.args[0], ast.Constant)}  # type: ignore[misc]


def check(document: dict[str, Any], name: str, value: Any) -> None:
    """Raise if a value is none of a schema of the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


def test_every_route_for_programs_and_each_of_its_methods_is_described(store: Store, described: Told) -> None:
    wanted = {f"{method} {path}" for path, method, _ in rules(store)}
    assert {name for name, _ in operations(described)} == wanted


def test_every_operation_says_which_role_it_needs_and_what_opens_it(store: Store, described: Told) -> None:
    told, schemes = dict(operations(described)), described["components"]["securitySchemes"]
    for path, method, rule in rules(store):
        operation = told[f"{method} {path}"]
        role = rule.role.word
        assert operation["x-livecb-role"] == role
        assert operation["security"] == ([{scheme: [role]} for scheme in schemes] if rule.role else [])
        assert operation.get("x-livecb-whole-store", False) is rule.whole
        assert ("401" in operation["responses"]) is bool(rule.role)


def test_every_operation_says_what_it_answers_with(described: Told) -> None:
    for name, operation in operations(described):
        good = [answer for status, answer in operation["responses"].items() if status < "3"]
        assert good, name
        for answer in good:
            assert answer["content"], name
            for kind, content in answer["content"].items():
                assert content["schema"] or kind in BYTES, f"{name} says nothing of its {kind}"
        if "requestBody" in operation:
            assert all(
                content["schema"] or kind in BYTES
                for kind, content in operation["requestBody"]["content"].items()
            ), name


def test_every_operation_names_the_errors_it_can_answer_with_as_problems(
    store: Store, described: Told
) -> None:
    known = described["components"]["responses"]
    for answer in known.values():
        content = answer["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    told = dict(operations(described))
    by_module: dict[str, tuple[set[int], set[int]]] = {}
    for path, method, rule in rules(store):
        name = f"{method} {path}"
        answers = {status: it for status, it in told[name]["responses"].items() if status >= "4"}
        assert all(it == {"$ref": f"#/components/responses/{status}"} for status, it in answers.items()), name
        assert set(answers) >= {"400", "403", "414", "421", "429", "431", "5XX"}, name
        handler = rule.handler
        module = handler.__module__ if inspect.isroutine(handler) else type(handler).__module__
        raised, said = by_module.setdefault(module, (statuses_in(module), set()))
        said |= {int(status) for status in answers if status.isdigit()}
    for module, (raised, said) in by_module.items():
        assert {status for status in raised if status not in (500, 503)} <= said, module


def test_each_example_is_one_of_what_it_stands_beside(described: Told) -> None:
    told = dict(operations(described))
    assert set(EXAMPLES) <= set(told)
    seen = 0
    for _, operation in told.items():
        answers = [answer for status, answer in operation["responses"].items() if status < "3"]
        for holder in [*answers, operation.get("requestBody", {})]:
            for content in holder.get("content", {}).values():
                if "example" in content:
                    seen += 1
                    schema = {**content["schema"], "components": described["components"]}
                    jsonschema.Draft202012Validator(schema).validate(content["example"])
    assert seen == sum(len(given) for given in EXAMPLES.values())
    assert json.dumps(described).count("lcb_5d0f3a8e1c2b_...") == 3  # no secret, nor what looks like one
    changing = {
        name
        for name, it in told.items()
        if "application/json" in it.get("requestBody", {}).get("content", {})
    }
    assert changing <= set(EXAMPLES), "what takes JSON shows a body"


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
