"""Who may ask: the token, the names of the server, the origin."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import httpx
import pytest
from watching import Served, Writer, client_of

from livecb.server import launch
from livecb.server.token import cookie_name, token_of
from livecb.store import Store


@pytest.fixture
def browser(served: Served) -> Iterator[httpx.Client]:
    """A client without a token that accepts pages and keeps cookies."""
    base = f"http://{served.address.host}:{served.address.port}/"
    with httpx.Client(base_url=base, headers={"accept": "text/html"}, follow_redirects=True) as client:
        yield client


def test_without_a_token_nothing_is_told(served: Served, writer: Writer, browser: httpx.Client) -> None:
    run = writer.run.id
    for path in (
        "api/runs",
        f"api/runs/{run}",
        f"api/runs/{run}/events",
        f"api/runs/{run}/series",
        "api/schema",
    ):
        response = browser.get(path)
        assert response.status_code == 401
        assert run not in response.text
        assert "livecb view" in response.json()["error"]["detail"]


def test_a_browser_without_a_token_gets_a_page_that_helps(browser: httpx.Client) -> None:
    response = browser.get("")
    assert response.status_code == 401
    assert "livecb view" in response.text
    assert response.headers["content-type"].startswith("text/html")


def test_the_printed_address_opens_the_page_and_leaves_a_cookie(
    served: Served, writer: Writer, browser: httpx.Client
) -> None:
    response = browser.get(served.address.url(writer.run.id))
    assert response.status_code == 200
    assert response.url.path == f"/r/{writer.run.id}"
    assert "token" not in str(response.url)
    assert browser.get("api/runs").status_code == 200
    assert browser.get(f"r/{writer.run.id}").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(served: Served) -> None:
    response = served.client.get(served.address.url(), follow_redirects=False)
    assert response.status_code == 303
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path" not in cookie  # the folder the browser sees, whatever a proxy puts before it
    assert not response.headers["location"].startswith(("/", "http"))


def test_going_on_leads_nowhere_else(served: Served) -> None:
    token = served.address.token
    for onward in ("//evil.example/", "/\\evil.example", "https:evil.example", "../../x", "\tjavascript:x"):
        response = served.client.get("", params={"token": token, "next": onward}, follow_redirects=False)
        assert response.headers["location"].startswith("./")


@pytest.mark.parametrize("header", ["x-api-key: {}", "authorization: Bearer {}", "authorization: token {}"])
def test_programs_send_the_token_in_a_header(served: Served, browser: httpx.Client, header: str) -> None:
    name, _, value = header.partition(": ")
    assert browser.get("api/runs", headers={name: value.format(served.address.token)}).status_code == 200
    for wrong in ("", "wrong", "ü", (served.address.token or "") + "x"):
        headers = {name.encode(): value.format(wrong).strip().encode()}
        response = browser.get("api/runs", headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["title"] == ("A wrong token" if wrong else "No token")


def test_the_token_may_stand_in_the_query_of_the_api(served: Served, browser: httpx.Client) -> None:
    assert browser.get("api/runs", params={"token": served.address.token}).status_code == 200
    wrong = browser.get("api/runs", params={"token": "wrong"})
    assert wrong.status_code == 401
    assert wrong.json()["error"]["title"] == "A wrong token"
    assert "not this store's" in wrong.json()["error"]["detail"]


def test_a_browser_with_a_wrong_token_is_told_that_it_is_wrong(browser: httpx.Client) -> None:
    response = browser.get("", params={"token": "<wrong>"})
    assert response.status_code == 401
    assert "That token is not this store's" in response.text
    assert "livecb view" in response.text
    assert "<wrong>" not in response.text


def test_a_stale_cookie_counts_as_no_token(served: Served, browser: httpx.Client, store: Store) -> None:
    cookie = {"cookie": f"{cookie_name(store)}=stale"}
    assert browser.get("api/runs", headers=cookie).json()["error"]["title"] == "No token"
    assert "This page needs its token" in browser.get("", headers=cookie).text


def test_a_cookie_of_another_server_on_this_host_hides_none_of_ours(
    served: Served, browser: httpx.Client, store: Store
) -> None:
    ours = f"{cookie_name(store)}={served.address.token}"
    for cookie in (f'prefs={{"dark": true}}; {ours}', f"{ours}; a=b c; =; x", f"\u00fc=1; {ours}"):
        sent = {"cookie": cookie.encode()}
        assert browser.get("api/runs", headers=sent).status_code == 200, cookie


def test_health_needs_no_token_and_tells_no_path(served: Served, browser: httpx.Client, store: Store) -> None:
    answer = browser.get("api/health").json()
    assert answer.keys() == {"livecb", "store", "pid"}
    assert len(answer["store"]) == 12
    assert answer["pid"] == os.getpid()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:99", "127.0.0.2", "[::1]:80", "my.localhost"])
def test_the_names_of_this_machine_for_itself_are_known(served: Served, host: str) -> None:
    assert served.client.get("api/runs", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.5", "127.0.0.1.evil.example", "", "[::2]"])
def test_any_other_name_is_refused_and_told_how_to_allow_it(served: Served, host: str) -> None:
    for path in ("api/runs", "api/health", ""):
        response = served.client.get(path, headers={"host": host})
        assert response.status_code == 421
        assert "LIVECB_ALLOWED_HOSTS" in response.json()["error"]["detail"]


def test_a_name_can_be_allowed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_ALLOWED_HOSTS", "box.example, other.example")
    server = launch.ThreadServer(store, port=0)
    try:
        served = client_of(server.start())
        assert served.client.get("api/runs", headers={"host": "box.example:80"}).status_code == 200
        origin = {"host": "127.0.0.1", "origin": "https://other.example"}
        assert served.client.get("api/runs", headers=origin).status_code == 200
    finally:
        server.stop()


def test_pages_of_other_origins_are_refused(served: Served) -> None:
    own = f"http://127.0.0.1:{served.address.port}"
    assert served.client.get("api/runs", headers={"origin": own}).status_code == 200
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null", "http://localhost:3000"):
        response = served.client.get("api/runs", headers={"origin": origin})
        assert response.status_code == 403
        assert origin in response.json()["error"]["detail"]


def test_answers_carry_the_headers_that_keep_a_browser_safe(served: Served, writer: Writer) -> None:
    page = served.client.get("", headers={"accept": "text/html"})
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "x-frame-options" not in page.headers  # notebooks show the page in a frame


def test_the_token_is_the_stores_and_outlives_servers(store: Store) -> None:
    token = token_of(store)
    path = store.root / ".token"
    assert token == token_of(store)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token) >= 32


def test_the_environment_may_name_the_token(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_TOKEN", "chosen")
    assert token_of(store) == "chosen"
    assert not (store.root / ".token").exists()


@pytest.mark.parametrize(
    "path",
    [
        "api/runs/..%2f..%2fetc",
        "api/runs/%2e%2e",
        "api/runs/.token",
        "api/runs/a%00b/events",
        "api/runs/a%2fb/events",
        "r/assets/..%2f..%2f..%2fapp.py",
        "assets/%2e%2e/%2e%2e/app.py",
        "..%2fapp.py",
        "%2e%2e%2fapp.py",
        ".token",
    ],
)
def test_no_path_leads_out_of_the_store_or_the_page(served: Served, store: Store, path: str) -> None:
    store.root.mkdir(exist_ok=True)
    response = served.client.get(path)
    assert response.status_code in (404, 405)
    assert served.address.token not in response.text
    assert "import" not in response.text


@pytest.mark.parametrize("digest", ["..%2fevents.jsonl", "events.jsonl", "A" * 64, "0" * 63, "0" * 64])
def test_files_are_named_by_hash_alone(served: Served, writer: Writer, digest: str) -> None:
    response = served.client.get(f"api/runs/{writer.run.id}/files/{digest}")
    assert response.status_code == 404
