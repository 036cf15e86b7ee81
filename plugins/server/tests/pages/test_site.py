"""The frame of the web app: sessions, what protects pages, and addresses."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from launchkit_server.door import Door
from launchkit_server.web.addresses import own_path
from launchkit_server.web.guards import POLICY
from waiting import PATIENCE

from launchkit.model import Secret

from ..browsing import Browser
from ..conftest import Served, client_of, served_with
from ..over_http import client_in


@pytest.fixture
def browser(served: Served) -> Iterator[Browser]:
    """A browser at which nobody has signed in."""
    with Browser(served) as browser:
        yield browser


def test_who_has_not_signed_in_is_led_to_the_form_and_back(browser: Browser) -> None:
    led = browser.get("/e/e/queues?x=1")
    assert led.headers["location"] == "/sign-in?next=%2Fe%2Fe%2Fqueues%3Fx%3D1"
    assert 'value="/e/e/queues?x=1"' in browser.get(led.headers["location"]).text
    back = browser.sign_in(next="/e/e/queues?x=1")
    assert (back.status_code, back.headers["location"]) == (303, "/e/e/queues?x=1")
    assert browser.get("/e/e/queues").status_code == 200


@pytest.mark.parametrize(
    ("body", "coding", "status", "why"),
    [
        (b"%e9" * 22_000, {}, 422, "longer than 65536 bytes"),
        (gzip.compress(b"%e9" * 1_000_000), {"content-encoding": "gzip"}, 415, "this takes none"),
    ],
)
def test_who_signs_in_sends_nothing_long(
    browser: Browser, body: bytes, coding: dict[str, str], status: int, why: str
) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", **coding}
    answer = browser.client.post("/sign-in", content=b"token=" + body, headers=headers)
    assert answer.status_code == status
    assert why in answer.text


def test_a_long_form_of_one_who_has_signed_in_is_read_whole(browser: Browser) -> None:
    browser.sign_in()
    config = f"env:\n  A: {'é' * 60_000}\n  B: [1\n"
    (fault,) = browser.post("/e/e/queues/check", {"resource": "x", "config": config}).json()
    assert fault["line"] == 3


@pytest.mark.parametrize(
    "headers", [{"hx-request": "true"}, {"accept": "text/event-stream"}, {"accept": "*/*"}]
)
def test_a_script_of_a_page_is_told_that_nobody_has_signed_in(
    browser: Browser, headers: dict[str, str]
) -> None:
    asked = browser.get("/e/e/queues", headers=headers)
    assert asked.status_code == 401
    assert asked.json()["code"] == "unauthenticated"


def test_who_sends_a_form_after_the_session_is_told_so_and_led_back(browser: Browser) -> None:
    browser.sign_in()
    page = str(browser.client.base_url.join("/e/e/new-queue?resource=x"))
    csrf = browser.csrf()
    browser.post("/sign-out")
    browser.client.cookies.set("launchkit_session", "lk_over")
    sent = browser.client.post("/e/e/new-queue", data={"csrf": csrf}, headers={"referer": page})
    assert sent.status_code == 303
    form = browser.get(sent.headers["location"]).text
    assert "What you sent was not done" in form
    assert 'value="/e/e/new-queue?resource=x"' in form


def test_a_form_of_another_site_leads_nowhere(browser: Browser) -> None:
    browser.client.cookies.set("launchkit_session", "lk_over")
    sent = browser.client.post("/e/e/new-queue", headers={"referer": "http://evil.example/e/e/x"})
    assert sent.headers["location"] == "/sign-in?over=sent"


def test_a_token_that_does_not_count_is_told_so_and_shown_nowhere(browser: Browser) -> None:
    refused = browser.client.post("/sign-in", data={"token": "lk_unwanted"})
    assert refused.status_code == 401
    assert "the token is not known here" in refused.text
    assert "lk_unwanted" not in refused.text


def test_a_session_is_a_token_of_its_own_that_no_script_reads(
    served: Served, browser: Browser
) -> None:
    cookie = browser.sign_in().headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {*cookie.split("; ")}
    assert str.__str__(served.tokens["ann"]) not in cookie
    with client_of(served) as client:
        (session, *_) = [one for one in client.get("/api/v1/tokens").json() if one["session"]]
        assert session["owner"] == "ann"
        assert 0 < session["expires_at"] - session["created_at"] <= 12 * 3600


def test_the_api_does_not_know_the_cookie(browser: Browser) -> None:
    browser.sign_in()
    assert browser.get("/api/v1/entities").status_code == 401


def test_who_signs_out_is_out(served: Served, browser: Browser) -> None:
    browser.sign_in()
    session = Secret(browser.client.cookies["launchkit_session"])
    assert browser.post("/sign-out").headers["location"] == "/sign-in"
    with client_of(replace(served, tokens={"ann": session})) as client:
        assert client.get("/api/v1/entities").status_code == 401


@pytest.mark.parametrize("session", ["lk_over", None], ids=["over", "gone"])
def test_who_signs_out_after_the_session_is_out_like_any_other(
    browser: Browser, session: str | None
) -> None:
    if session is not None:
        browser.client.cookies.set("launchkit_session", session)
    answer = browser.client.post("/sign-out", data={"csrf": "of the session that was"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    removed, _, left = (one.partition(";")[0] for one in answer.headers.get_list("set-cookie"))
    assert removed == 'launchkit_session=""'
    assert left.startswith("launchkit_left=")


def test_a_session_ends_with_the_token_that_it_began_with(served: Served) -> None:
    with client_of(served) as client:
        made = client.post("/api/v1/tokens", json={"owner": "bob"}).json()
        with Browser(replace(served, tokens={"bob": Secret(made["secret"])})) as browser:
            browser.sign_in("bob")
            assert browser.get("/e/e/queues").status_code == 200
            client.delete(f"/api/v1/tokens/{made['token']['id']}")
            assert browser.get("/e/e/queues").headers["location"].startswith("/sign-in")


def test_a_session_begins_no_other_session(browser: Browser, served: Served) -> None:
    browser.sign_in()
    (session,) = (value for name, value in browser.client.cookies.items() if "session" in name)
    with Browser(replace(served, tokens={"bob": Secret(session)})) as other:
        other.sign_in("bob")
        assert other.get("/e/e/queues").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_what_another_site_sends_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    browser.sign_in()
    sent = browser.client.post("/sign-out", data={"csrf": browser.csrf()}, headers=headers)
    assert sent.status_code == 403
    assert browser.client.post("/sign-in", data={"token": "x"}, headers=headers).status_code == 403


def test_a_form_without_the_token_of_its_session_is_refused(browser: Browser) -> None:
    browser.sign_in()
    assert browser.client.post("/sign-out").status_code == 403
    assert browser.client.post("/sign-out", data={"csrf": "ä"}).status_code == 403


def test_each_answer_confines_its_page(browser: Browser) -> None:
    browser.sign_in()
    for path in ("/sign-in", "/e/e/queues", "/static/base.css", "/nothing"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
    assert browser.get("/e/e/queues").headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_a_style_of_its_own(browser: Browser) -> None:
    browser.sign_in()
    for path in ("/sign-in", "/e/e/queues", "/nothing"):
        text = browser.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text


def test_files_are_kept_by_their_content(browser: Browser) -> None:
    first = browser.get("/static/base.css")
    again = browser.get("/static/base.css", headers={"if-none-match": first.headers["etag"]})
    digest = first.headers["etag"].strip('"')
    kept = browser.get("/static/base.css", params={"v": digest})
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in kept.headers["cache-control"]
    assert browser.get("/static/..%2fsite.py").status_code == 404


def test_an_error_is_a_page_for_people_and_a_document_for_programs(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get("/nothing")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    document = browser.get("/nothing", headers={"accept": "application/json"})
    assert document.json()["code"] == "no_such_address"


def test_a_request_does_not_say_under_which_prefix_it_is_shown(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get("/e/e/queues", headers={"x-forwarded-prefix": "/evil"})
    assert 'href="/e/e/queues"' in page.text
    assert "evil" not in page.text


def test_under_a_prefix_all_addresses_have_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    door = Door(root_path="/tools/launch/")
    folder = tmp_path_factory.mktemp("prefixed")
    with served_with(door, folder) as served, Browser(served, "/tools/launch") as browser:
        led = browser.get("/e/e/queues")
        assert (
            led.headers["location"]
            == "/tools/launch/sign-in?next=%2Ftools%2Flaunch%2Fe%2Fe%2Fqueues"
        )
        signed = browser.sign_in()
        assert signed.headers["location"] == "/tools/launch/"
        assert "Path=/tools/launch/;" in signed.headers["set-cookie"]
        page = browser.get("/e/e/queues").text
        assert 'href="/tools/launch/e/e/queues"' in page
        assert 'href="/e/' not in page
        with httpx.Client(base_url=served.url, timeout=PATIENCE) as client:
            assert client.get("/livez").is_success
            assert client.get("/tools/launch/livez").is_success


@pytest.mark.parametrize(
    "elsewhere",
    [
        None,
        "",
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/other",
        "/p\nq",
        "/p//x\\",
        "/p//evil.example",
        "/p/..",
        "/p/../grafana/evil",
        "/p/e/../../grafana/evil",
        "/p/./../grafana/evil",
        "/p/%2e%2e/grafana/evil",
        "/p/.%2E/grafana/evil",
        "/p/%252e%252e/grafana/evil",
        "/p/%25252525252e%25252525252e/grafana/evil",
        "/p/..%2fgrafana/evil",
        "/p/..%5cgrafana/evil",
        "/p/..\\grafana/evil",
        "/p/..;/grafana/evil",
        "/p/..;x=1/grafana/evil",
        "/p/.. /grafana/evil",
        "/p/..?/../..",
        "/p/x%0d%0aset-cookie:y",
        "/p/sign-in/oidc",
        "/p/sign%2din/oidc?next=/p/",
        "/p/sign-out",
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(elsewhere: str | None) -> None:
    """Also to no other program behind the same proxy."""
    assert own_path(elsewhere, "/p") == "/p/"


@pytest.mark.parametrize(
    "page",
    ["", "e/x?tab=config", "e/x/", "e/a%2Fb", "e/gr%C3%B6%C3%9Fe?q=a/../b#c/..", "e/x...y/.z"],
)
def test_after_signing_in_one_goes_on_to_the_page_that_was_wanted(page: str) -> None:
    assert own_path(f"/p/{page}", "/p") == f"/p/{page}"
    assert own_path(f"/{page}", "") == f"/{page}"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/%2fevil.example", "/%5cevil.example"])
def test_after_signing_in_nobody_is_sent_to_another_host(elsewhere: str) -> None:
    assert own_path(elsewhere, "") == "/"


@pytest.mark.parametrize(
    ("path", "more"), [("/e/e", ()), ("/e/e/new-queue", ("editor.js",)), ("/e/e/launches", ())]
)
def test_the_first_load_of_a_page_has_300_kilobytes_at_most(
    browser: Browser, path: str, more: tuple[str, ...]
) -> None:
    browser.sign_in()
    page = browser.get(path)
    named = re.findall(r'(?:href|src)="/static/([^"]+)"', page.text)
    answers = [page, *(browser.get(f"/static/{name}") for name in (*named, *more, "stream.js"))]
    sizes = [int(answer.headers["content-length"]) for answer in answers]
    assert {answer.headers["content-encoding"] for answer in answers[1:]} == {"gzip"}
    assert sum(sizes) <= 300_000


def test_an_entity_in_which_nothing_ever_stood_is_not_found_and_says_how_one_begins(
    served: Served, browser: Browser
) -> None:
    browser.sign_in()
    with client_in(served, "there"):
        page = browser.get("/e/nosuch")
    assert page.status_code == 404
    assert 'href="/e/there"' in page.text
    assert 'href="/e/nosuch/new-queue"' in page.text
    assert "launchkit queue create first --resource local-process --entity nosuch" in page.text
    assert browser.get("/e/there").status_code == 200
    assert browser.get("/?entity=nosuch").headers["location"] == "/e/nosuch/new-queue"
    assert browser.get("/?entity=there").headers["location"] == "/e/there"


def test_settings_keep_the_way_back_to_the_entity_that_one_came_from(
    served: Served, browser: Browser
) -> None:
    browser.sign_in()
    for entity in ("left", "right"):
        with client_in(served, entity):
            browser.get(f"/e/{entity}/queues")
        assert f'href="/e/{entity}/queues"' in browser.get("/settings/users").text
