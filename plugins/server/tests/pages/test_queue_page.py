"""The overview, and the page of a queue."""

import re
from html import unescape

import pytest

from launchkit.model.people import PrincipalKind, Role
from launchkit.store.people import AddAccount, GrantRole
from launchkit.store.tokens import CreateToken

from ..browsing import Browser
from ..conftest import Served
from ..over_http import claimed, client_in, launched


def _shown(page: str) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _viewer(served: Served, entity: str) -> Browser:
    """A person who may only look."""
    name = f"viewer-of-{entity}"
    assert served.portal is not None
    write = served.service.database.write
    served.portal.call(write, AddAccount(name, PrincipalKind.USER, "test"))
    served.portal.call(write, GrantRole(name, entity, Role.VIEWER, "test"))
    made = served.portal.call(write, CreateToken(name, "test"))
    browser = Browser(Served(served.url, served.database_url, {name: made.secret}, served.service))
    browser.sign_in(name)
    return browser


def test_the_waiting_stand_in_their_true_order_each_with_its_place_and_why(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "order") as client:
        client.post(
            "/queues", json={"name": "p", "resource": "local-process", "prioritization": True}
        )
        for name, priority in (("late", 3), ("soon", 0), ("usual", 2)):
            recipe = {"source": {"kind": "image", "image": "x"}}
            body = {"spec": {"recipe": recipe, "name": name}, "priority": priority}
            assert client.post("/queues/p/launches", json=body).status_code == 201
    page = browser.get("/e/order/queues/p").text
    rows = [_shown(row) for row in re.findall(r"<tr data-row>.*?</tr>", page, re.DOTALL)]
    assert [row.split()[:3] for row in rows] == [
        ["1", "soon", "critical"],
        ["2", "usual", "medium"],
        ["3", "late", "low"],
    ]
    assert "no agent is online for queue p" in rows[0]
    assert "launchkit agent -q p" in page


def test_what_is_under_way_and_what_has_ended_stand_in_tabs_of_their_own(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "tabs") as client:
        launched(client)
        launched(client)
        first = claimed(client, "c1")
        first.reports("running")
        first.reports("failed", verdict={"code": "exit", "summary": "It ended with code 3."})
        claimed(client, "c2").reports("running")
    assert 'data-state="running"' in browser.get("/e/tabs/queues/q?tab=running").text
    ended = browser.get("/e/tabs/queues/q?tab=finished").text
    assert 'data-state="failed"' in ended
    assert 'data-state="running"' not in ended
    assert "Nothing waits" in browser.get("/e/tabs/queues/q").text


def test_a_long_line_comes_in_pages(served: Served, browser: Browser) -> None:
    with client_in(served, "long") as client:
        for _ in range(53):
            launched(client)
    first = browser.get("/e/long/queues/q").text
    assert first.count("<tr data-row>") == 50
    (onward,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = browser.get(unescape(onward)).text
    assert [
        _shown(row).split()[0] for row in re.findall(r"<tr data-row>.*?</tr>", second, re.DOTALL)
    ] == [
        "51",
        "52",
        "53",
    ]
    assert 'rel="next"' not in second


def test_a_queue_is_paused_with_a_reason_and_resumed(served: Served, browser: Browser) -> None:
    with client_in(served, "pauses"):
        pass
    at = "/e/pauses/queues/q"
    assert browser.post(f"{at}/pause", {"reason": "", "seconds": "0"}).status_code == 422
    assert browser.post(f"{at}/pause", {"reason": "x", "seconds": "soon"}).status_code == 422
    done = browser.post(f"{at}/pause", {"reason": "<i>disks</i> full", "seconds": "0"})
    assert done.headers["location"] == at
    page = browser.get(at).text
    assert "Paused by ann" in _shown(page)
    assert "&lt;i&gt;disks&lt;/i&gt; full" in page
    assert "is paused by ann" in _shown(browser.get("/e/pauses").text)
    browser.post(f"{at}/resume")
    assert "Paused" not in browser.get(at).text.replace("Pause queue", "")


def test_a_pause_that_is_over_is_none(served: Served, browser: Browser) -> None:
    with client_in(served, "over") as client:
        pause = {"reason": "short", "by": "ann", "at": 1.0, "until": 2.0}
        spec = {"name": "q", "resource": "local-process"}
        assert client.put("/queues/q", json={"spec": spec, "pause": pause}).is_success
    assert "short" not in browser.get("/e/over/queues/q").text


def test_the_config_tab_tells_when_the_queue_was_made_and_what_launches_may_set(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "config") as client:
        spec = {
            "name": "t",
            "resource": "local-process",
            "config": {"env": {"KIND": "{{kind}}", "API_TOKEN": "hush"}},
            "variables": {"kind": {"type": "string", "enum": ["small", "large"]}},
        }
        assert client.post("/queues", json=spec).status_code == 201
    page = browser.get("/e/config/queues/t?tab=config").text
    words = _shown(page)
    assert "Created" in words
    assert "kind String must be chosen small , large" in words
    assert "API_TOKEN: hush" in words
    with _viewer(served, "config") as viewer:
        assert "hush" not in viewer.get("/e/config/queues/t?tab=config").text


def test_charts_that_do_not_look_at_all_launches_say_so(
    served: Served, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_in(served, "many") as client:
        launched(client)
    pages = ("/e/many/queues/q?tab=charts", "/e/many")
    assert ["there may be more" in browser.get(page).text for page in pages] == [False, False]
    monkeypatch.setattr("launchkit.store.waits.MOST", 1)
    assert ["there may be more" in browser.get(page).text for page in pages] == [True, True]


def test_charts_have_their_numbers_on_the_page(served: Served, browser: Browser) -> None:
    with client_in(served, "charts") as client:
        launched(client)
    page = browser.get("/e/charts/queues/q?tab=charts&window=1h").text
    assert 'id="depth-data">{"series": [{"name": "Not running yet"' in page
    assert browser.get("/e/charts/queues/q?tab=charts&window=odd").status_code == 200


def test_a_queue_is_removed_with_what_waits_if_that_is_wanted(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "gone") as client:
        launched(client)
    refused = browser.post("/e/gone/queues/q/delete")
    assert refused.status_code == 409
    assert "has 1 launches waiting" in unescape(refused.text)
    assert browser.post("/e/gone/queues/q/delete", {"force": "1"}).headers["location"]
    assert browser.get("/e/gone/queues/q").status_code == 404


def test_the_overview_tells_what_waits_where_and_what_is_in_the_way(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "overview") as client:
        launched(client)
        held = launched(client)
        change = {"kind": "hold", "reason": "later"}
        assert client.post(f"/items/{held['id']}/changes", json=change).is_success
    page = browser.get("/e/overview").text
    words = _shown(page)
    assert "no agent is online for it" in words
    assert "1 waiting" in words
    assert "<polyline" in page


def test_who_may_only_look_is_offered_nothing_else_and_refused_anyway(served: Served) -> None:
    with client_in(served, "looked-at"):
        pass
    with _viewer(served, "looked-at") as viewer:
        for path in ("", "/queues", "/queues/q", "/queues/q?tab=config"):
            page = viewer.get(f"/e/looked-at{path}").text
            assert re.findall(r'<form [^>]*action="([^"]+)" method="post"', page) == ["/sign-out"]
            assert "/edit" not in page
            assert "new-queue" not in page
        assert viewer.get("/e/looked-at/new-queue").status_code == 403
        at = "/e/looked-at/queues/q"
        token = re.search(r'name="csrf" value="(\w+)"', viewer.get(at).text)
        assert token is not None
        for verb in ("pause", "resume", "delete", "edit"):
            sent = viewer.client.post(f"{at}/{verb}", data={"csrf": token[1], "reason": "x"})
            assert sent.status_code == 403


def test_a_secret_that_is_written_into_a_queue_is_told_to_its_operators_alone(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "told") as client:
        config = {"setup": "A_TOKEN=hush go"}
        spec = {"name": "t", "resource": "local-process", "config": config}
        assert client.post("/queues", json=spec).status_code == 201
    told = "setup: looks like a secret that is written out"
    assert told in _shown(browser.get("/e/told/queues/t").text)
    form = {"do": "review", "config": "setup: A_TOKEN=hush go", "syntax": "yaml"}
    assert told in _shown(browser.post("/e/told/queues/t/edit", form).text)
    with _viewer(served, "told") as viewer:
        page = viewer.get("/e/told/queues/t?tab=config").text
    assert told not in _shown(page)
    assert "hush" not in page
