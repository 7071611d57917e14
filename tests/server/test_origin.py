"""Pages of other origins: which may ask, and what for."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from watching import Served, Writer, client_of

from livecb.errors import ServerError
from livecb.server import launch
from livecb.server.app import create_app
from livecb.server.door import Door, parse_origin
from livecb.server.token import cookie_name
from livecb.store import Store

APP = "http://localhost:5173"


@pytest.fixture
def open_to_app(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that lets a front end of another origin in."""
    monkeypatch.setenv("LIVECB_ALLOWED_ORIGINS", f"{APP}/, https://lab.example:443")
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    yield served
    served.client.close()
    server.stop()


def test_a_page_of_an_allowed_origin_may_read_with_its_token(open_to_app: Served, writer: Writer) -> None:
    for origin in (APP, "https://lab.example"):
        answer = open_to_app.client.get(
            "api/runs", headers={"origin": origin, "sec-fetch-site": "cross-site"}
        )
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


def test_a_stream_may_be_read_across_origins_too(open_to_app: Served, writer: Writer) -> None:
    with open_to_app.stream(open_to_app.events(writer.run.id), {"origin": APP}) as stream:
        assert next(stream).event == "connected"
    headers = {"origin": APP, "accept": "text/event-stream"}
    with open_to_app.client.stream("GET", open_to_app.events(writer.run.id), headers=headers) as answer:
        assert answer.headers["access-control-allow-origin"] == APP


def test_a_page_of_an_allowed_origin_may_write_with_its_token(open_to_app: Served, writer: Writer) -> None:
    headers = {"origin": APP, "sec-fetch-site": "cross-site"}
    answer = open_to_app.client.patch(f"api/runs/{writer.run.id}", json={"name": "ours"}, headers=headers)
    assert answer.status_code == 200
    assert writer.run.labels.name == "ours"


def test_errors_can_be_read_across_origins(open_to_app: Served) -> None:
    for path in ("api/runs/none-such", "api/nothing", "api/runs?sort=none"):
        answer = open_to_app.client.get(path, headers={"origin": APP})
        assert answer.status_code >= 400
        assert answer.headers["access-control-allow-origin"] == APP


def test_a_preflight_is_answered_without_a_token(open_to_app: Served) -> None:
    asks = {
        "origin": APP,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization,content-type",
        "access-control-request-private-network": "true",
        "x-api-key": "",
    }
    answer = open_to_app.client.options("api/runs/a-run", headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == APP
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "idempotency-key" not in answer.headers["access-control-allow-headers"]  # which nothing reads
    assert answer.headers["access-control-allow-private-network"] == "true"
    refused = open_to_app.client.options("api/runs/a-run", headers={**asks, "origin": "http://evil.example"})
    assert refused.status_code == 403
    assert not any(name.startswith("access-control") for name in refused.headers)


def test_the_visitors_cookie_does_not_count_for_a_page_of_another_origin(
    open_to_app: Served, store: Store
) -> None:
    base = str(open_to_app.client.base_url)
    cookie = {"cookie": f"{cookie_name(store)}={open_to_app.address.token}"}
    with httpx.Client(base_url=base, headers=cookie) as visitor:
        assert visitor.get("api/runs").status_code == 200
        assert visitor.get("api/runs", headers={"origin": APP}).status_code == 401


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:5174",
        "https://localhost:5173",
        "http://localhost",
        "http://localhost:5173.evil.example",
        "null",
    ],
)
def test_an_origin_that_only_looks_alike_is_refused(open_to_app: Served, origin: str) -> None:
    answer = open_to_app.client.get("api/runs", headers={"origin": origin})
    assert answer.status_code == 403
    assert "--allow-origin" in answer.json()["detail"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["*", "null", "localhost:5173", "http://a.example/path", "http://", "http://a b"]
)
def test_what_is_no_origin_is_refused_when_the_server_starts(store: Store, origin: str) -> None:
    with pytest.raises(ServerError, match="expected an allowed origin"):
        create_app(store, allowed_origins=[origin])


def test_origins_are_compared_as_browsers_write_them() -> None:
    assert parse_origin("HTTP://Localhost:80/") == "http://localhost"
    assert parse_origin("https://a.example:443") == "https://a.example"
    assert parse_origin("https://a.example:80") == "https://a.example:80"


def test_without_allowed_origins_no_answer_may_be_read_elsewhere(served: Served) -> None:
    answer = served.client.get("api/runs")
    assert not any(name.startswith("access-control") for name in answer.headers)
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_only_notebooks_and_allowed_pages_may_show_the_page_in_a_frame(
    served: Served, open_to_app: Served
) -> None:
    policy = open_to_app.client.get("").headers["content-security-policy"]
    ancestors = policy.partition("frame-ancestors ")[2].split()
    assert {"'self'", APP, "http://localhost:*", "vscode-webview:"} <= {*ancestors}
    assert "*" not in ancestors
    assert APP not in served.client.get("").headers["content-security-policy"]


def test_another_port_of_an_allowed_name_is_another_server(store: Store, writer: Writer) -> None:
    server = launch.ThreadServer(store, Door.of(allowed_hosts=["box.example"]), port=0)
    try:
        client = client_of(server.start()).client
        for host, origin, status in (
            ("box.example:7117", "http://box.example:7117", 200),
            ("box.example:7117", "http://box.example:9999", 403),
            ("box.example:7117", "http://box.example", 403),
            ("box.example", "https://box.example:8443", 200),  # a proxy that leaves out the port
            ("127.0.0.1:7117", "https://box.example:8443", 200),  # one that names itself
        ):
            answer = client.get("api/runs", headers={"host": host, "origin": origin})
            assert answer.status_code == status, (host, origin)
    finally:
        server.stop()


def test_a_server_that_goes_by_any_name_answers_no_page_of_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVECB_ALLOWED_HOSTS", "*")
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    ours = {"host": "lab.example:8080", "origin": "http://lab.example:8080"}
    theirs = {**ours, "origin": "http://evil.example"}
    told = [served.client.get("api/runs", headers=headers).status_code for headers in (ours, theirs)]
    served.client.close()
    server.stop()
    assert told == [200, 403]
