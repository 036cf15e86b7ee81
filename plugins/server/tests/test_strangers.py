"""Requests that prove nothing: of an address a few are worked on at once, and keep nobody waiting
who proves something.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import anyio.lowlevel
import httpx
import pytest
from launchkit_server import targets
from launchkit_server.door import Door
from launchkit_server.problems import Refusal
from launchkit_server.rates import place_of
from launchkit_server.service import Service
from launchkit_server.shares import STRANGERS, InTurn
from launchkit_server.web import sessions
from starlette.types import Scope
from waiting import PATIENCE, until

from launchkit.model import Secret

from .browsing import Browser
from .conftest import PEOPLE, Served, served_with
from .over_http import client_in
from .places import NO_TLS

HERE = place_of("127.0.0.1")
MANY = 4 * STRANGERS


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    with served_with(Door(), tmp_path) as own:
        yield own


@pytest.fixture
def nobody(own: Served) -> Iterator[httpx.Client]:
    """Asks without a token."""
    with httpx.Client(base_url=own.url, timeout=PATIENCE, verify=NO_TLS) as client:
        yield client


def crowd(own: Served) -> ExitStack:
    """As many strangers at this address as are worked on at once."""
    stack = ExitStack()
    assert own.portal is not None
    for _ in range(STRANGERS):
        stack.enter_context(own.portal.wrap_async_context_manager(own.service.strangers.of(HERE)))
    return stack


def test_of_those_who_prove_nothing_a_few_are_worked_on_at_once(
    nobody: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = [0, 0]
    begin = sessions.begin

    async def counted(service: Service, secret: str) -> Secret:
        working[0] += 1
        working[1] = max(working)
        for _ in range(100):  # as long as all others need to begin
            await anyio.lowlevel.checkpoint()
        try:
            return await begin(service, secret)
        finally:
            working[0] -= 1

    monkeypatch.setattr(sessions, "begin", counted)
    with ThreadPoolExecutor(MANY) as threads:
        guess = {"token": "lk_uguessed"}
        asked = [threads.submit(nobody.post, "/sign-in", data=guess) for _ in range(MANY)]
        assert [one.result().status_code for one in asked] == [401] * MANY
    assert 0 < working[1] <= STRANGERS


@pytest.mark.parametrize(("path", "status"), [("/sign-in", 200), ("/sign-in?token=a", 400)])
def test_those_who_come_together_are_not_all_answered_before_anybody_else(
    own: Served, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    in_one_go = [0, 0]
    objection = targets.objection

    def counted(scope: Scope) -> Refusal | None:
        in_one_go[0] += 1
        in_one_go[1] = max(in_one_go)
        asyncio.get_running_loop().call_soon(in_one_go.__setitem__, 0, 0)
        return objection(scope)

    monkeypatch.setattr(targets, "objection", counted)
    url = httpx.URL(own.url)
    with ExitStack() as stack, ThreadPoolExecutor(1) as thread:
        connections = [
            stack.enter_context(closing(HTTPConnection(url.host, url.port))) for _ in range(MANY)
        ]
        for one in connections:
            one.request("GET", "/livez")
            assert one.getresponse().read()
        busy, over = threading.Event(), threading.Event()
        stack.callback(over.set)
        assert own.portal is not None
        thread.submit(own.portal.call, lambda: (busy.set(), over.wait(PATIENCE)))
        assert busy.wait(PATIENCE)
        for one in connections:
            one.request("GET", path)
        over.set()
        assert {one.getresponse().status for one in connections} == {status}
    assert 0 < in_one_go[1] <= STRANGERS


def test_who_has_proved_something_and_the_pages_of_health_wait_for_no_stranger(
    own: Served, nobody: httpx.Client
) -> None:
    with client_in(own, "e") as ann, ThreadPoolExecutor(2) as threads:
        with crowd(own):
            strangers = [
                threads.submit(nobody.get, path) for path in ("/sign-in", "/api/v1/entities")
            ]
            assert own.portal is not None
            here = own.service.strangers._here
            own.portal.call(until, lambda: here[HERE] == STRANGERS + 2)
            assert ann.get("/queues").is_success
            assert nobody.get("/readyz").is_success
            assert not any(one.done() for one in strangers)
        assert [one.result().status_code for one in strangers] == [200, 401]


def test_what_waits_for_others_keeps_no_stranger_waiting(own: Served, nobody: httpx.Client) -> None:
    url = httpx.URL(own.url)
    head = f"POST /sign-in HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 9\r\n"
    form = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    assert len(PEOPLE) > STRANGERS
    with ExitStack() as stack:
        browser = stack.enter_context(Browser(own))
        browser.sign_in()
        for who in PEOPLE:
            sent = stack.enter_context(socket.create_connection((url.host, url.port or 0)))
            sent.sendall((head + form).encode())
            stack.enter_context(browser.client.stream("GET", "/e/e/stream"))
            token = {"authorization": f"Bearer {str.__str__(own.tokens[who])}"}
            follow = nobody.stream("GET", "/api/v1/entities/e/events/stream", headers=token)
            stack.enter_context(follow)
        assert nobody.get("/sign-in").is_success


def test_a_stranger_whose_turn_does_not_come_is_told_when_to_come_again(
    own: Served, nobody: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.service.strangers = InTurn(STRANGERS, "requests", in_line=0)
    with crowd(own):
        full = nobody.get("/sign-in")
        own.service.strangers._in_line = None
        monkeypatch.setattr("launchkit_server.shares.PATIENCE_SECONDS", 0.01)
        waited = nobody.get("/sign-in")
    for answer, why in ((full, "0 requests of yours wait already"), (waited, "are not over yet")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert why in answer.text
