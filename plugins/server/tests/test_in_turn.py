"""What one who asks has in turn: each answer that may be large, of the API and of the web app."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from anyio import CapacityLimiter
from fastapi import FastAPI
from launchkit_server.bodies import LONG
from launchkit_server.door import Door
from launchkit_server.shares import InTurn
from launchkit_server.web import site
from waiting import PATIENCE, until

from launchkit.model.people import Permission

from .browsing import Browser
from .conftest import Served, served_with
from .over_http import claimed, client_in, launched
from .roles import made_for_roles
from .test_rights import ROUTES, asked, names

FULL = "0 large answers of yours are not over yet"
LASTING = {
    "/events/stream",
    "/log/stream",
    "/items/{item_id}/log",
    "/archives/{digest}",
}
"""Of what is answered here a piece at a time is held; there are bounds of their own."""
LASTING_PAGES = {"/e/{entity}/stream", "/e/{entity}/launches/{item_id}/log/file"}
OF_NOBODY = ("/sign-in", "/static/")
"""Pages of those who have not signed in."""


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a turn."""
    monkeypatch.setattr("launchkit_server.shares.PATIENCE_SECONDS", 0.01)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A service of which one who asks may have little."""
    with served_with(Door(), tmp_path) as own:
        yield own


@pytest.mark.usefixtures("_impatient")
def test_each_answer_of_the_api_that_may_be_large_is_made_in_turn(own: Served) -> None:
    assert own.portal is not None
    tokens = own.portal.call(made_for_roles, own.database_url)
    own.service.answers = InTurn(0, "large answers")
    at_once = set()
    item = str.__str__(tokens["item"])
    with httpx.Client(base_url=own.url, params={"item": item}, timeout=PATIENCE) as client:
        for route in ROUTES:
            if route.permission in {None, Permission.AGENT}:
                continue
            who = tokens["run" if route.permission is Permission.RUN else "root"]
            answer = asked(client, route, who, item_id=item)
            if answer.status_code != 503 or FULL not in answer.text:
                at_once.add(route.path.partition("{entity}")[2])
    assert at_once == LASTING


@pytest.mark.usefixtures("_impatient")
def test_each_page_of_the_web_app_is_made_in_turn(own: Served) -> None:
    at_once = set()
    with Browser(own) as browser:
        browser.sign_in()
        own.service.answers = InTurn(0, "large answers")
        for path, methods in FastAPI(routes=[*site._routes()]).openapi()["paths"].items():
            if "get" not in methods or path.startswith(OF_NOBODY):
                continue
            url = path.format_map(dict.fromkeys(names(path), "x"))
            with browser.client.stream("GET", url) as answer:
                if answer.status_code != 503 or FULL not in answer.read().decode():
                    at_once.add(path)
    assert at_once == LASTING_PAGES


@pytest.mark.usefixtures("_impatient")
def test_each_transfer_is_made_in_turn(own: Served) -> None:
    with client_in(own, "e") as ann, Browser(own) as browser:
        browser.sign_in()
        launched(ann)
        held = claimed(ann)
        own.service.transfers = InTurn(0, "transfers")
        code = f"/archives/{'0' * 64}"
        answers = (
            ann.get(f"/items/{held.id}/log"),
            ann.get(code),
            ann.put(code, content=b"code"),
            held.says(0, bytes(LONG + 1)),
            browser.get(f"/e/e/launches/{held.id}/log/file"),
        )
        for answer in answers:
            assert answer.status_code == 503
            assert "0 transfers of yours are not over yet" in answer.text
        assert held.says(0, b"short").is_success


def test_who_waits_keeps_nobody_else_of_theirs_from_an_answer(own: Served) -> None:
    own.service.answers = InTurn(1, "large answers")
    with client_in(own, "e") as ann:
        answers: list[httpx.Response] = []
        waits = threading.Thread(
            target=lambda: answers.append(ann.get("/events", params={"wait": 50}))
        )
        waits.start()
        assert own.portal is not None
        own.portal.call(until, lambda: own.service.waits._of and not own.service.answers._here)
        item = launched(ann)
        waits.join()
        assert [event["item_id"] for event in answers[0].json()] == [item["id"]]
        assert ann.get("/events", params={"item": item["id"]}).is_success


def test_a_page_is_made_beside_all_that_is_answered(own: Served) -> None:
    assert own.portal is not None
    own.service.rendering = CapacityLimiter(1)
    with client_in(own, "e") as ann, Browser(own) as browser, ThreadPoolExecutor(1) as thread:
        browser.sign_in()
        own.portal.call(own.service.rendering.acquire_on_behalf_of, "another page")
        page = thread.submit(browser.get, "/e/e/queues")
        waits = own.service.rendering.statistics
        own.portal.call(until, lambda: waits().tasks_waiting == 1)
        assert ann.get("/queues/q").is_success
        own.portal.call(own.service.rendering.release_on_behalf_of, "another page")
        assert page.result().is_success
