"""Who loses a role while something long is sent: no more of it comes, or is taken."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import httpx
import pytest
from launchkit_server.rates import asker
from launchkit_server.shares import InTurn
from waiting import PATIENCE, until

from launchkit.model import Secret
from launchkit.model.people import Principal, PrincipalKind

from .browsing import Browser
from .conftest import Served
from .losing import Person, client, person
from .over_http import claimed, launched
from .roles import bearer

__all__ = ["client", "person"]

PIECE = 2**20


@pytest.fixture
def other(client: httpx.Client, person: Person) -> Iterator[tuple[httpx.Client, str]]:
    """Somebody with a role, and the address that the role is taken away by."""
    with httpx.Client(
        base_url=client.base_url, headers=bearer(person.secret), timeout=PATIENCE
    ) as one:
        yield one, person.role


def test_who_loses_the_role_gets_no_more_of_a_log_that_is_sent(
    client: httpx.Client, other: tuple[httpx.Client, str]
) -> None:
    own, role = other
    launched(client)
    held = claimed(client)
    for number in range(24):
        held.says(number * PIECE, bytes([number]) * PIECE)
    whole = 24 * PIECE
    with own.stream("GET", f"/items/{held.id}/log", headers={"accept-encoding": "identity"}) as log:
        assert int(log.headers["content-length"]) == whole
        pieces = log.iter_raw()
        assert next(pieces)
        assert client.delete(role).is_success
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message"):
            sum(len(piece) for piece in pieces)


def test_code_whose_sender_loses_the_role_is_not_kept(
    client: httpx.Client, other: tuple[httpx.Client, str]
) -> None:
    own, role = other
    code = hashlib.sha512(b"code").digest() * (3 * PIECE // 64)
    digest = hashlib.sha256(code).hexdigest()

    def body() -> Iterator[bytes]:
        yield code[: 2 * PIECE]
        assert client.delete(role).is_success
        yield code[2 * PIECE :]

    answer = own.put(f"/archives/{digest}", content=body())
    assert answer.status_code == 403, answer.text
    known = client.get(f"/archives/{digest}/known").json()
    assert not known["known"]
    assert known["size"] <= 2 * PIECE


def test_output_whose_sender_loses_the_role_is_not_kept(
    client: httpx.Client, other: tuple[httpx.Client, str]
) -> None:
    own, role = other
    launched(client)
    held = claimed(client)

    def body() -> Iterator[bytes]:
        yield b"first"
        assert client.delete(role).is_success
        yield b"second"

    params = {"token": held.token, "offset": 0}
    headers = {"content-type": "application/octet-stream"}
    url = f"/agent/items/{held.id}/log"
    answer = own.put(url, params=params, content=body(), headers=headers)
    assert answer.status_code == 403, answer.text
    assert client.get(url, params={"token": held.token}).json() == {"size": 0}


@pytest.mark.parametrize("lost", ["role", "token", "account", "session"])
def test_a_form_whose_sender_loses_the_right_while_it_comes_is_not_taken(
    client: httpx.Client, person: Person, served: Served, lost: str
) -> None:
    entity = client.base_url.path.rstrip("/").rpartition("/")[2]
    with Browser(replace(served, tokens={"other": Secret(person.secret)})) as browser:
        browser.sign_in("other")
        csrf = browser.csrf(entity)
        fields = {"csrf": csrf, "do": "save", "name": "slow", "resource": "local-process"}
        form = urlencode({**fields, "config": "{}", "variables": "", "max_running": ""}).encode()

        def body() -> Iterator[bytes]:
            yield form[:10]
            if lost == "session":
                cookies = dict(browser.client.cookies)
                with httpx.Client(base_url=served.url, cookies=cookies, timeout=PATIENCE) as tab:
                    assert tab.post("/sign-out", data={"csrf": csrf}).status_code == 303
            else:
                assert client.delete(getattr(person, lost)).is_success
            yield form[10:]

        answer = browser.client.post(
            f"/e/{entity}/new-queue",
            content=body(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        if lost == "role":
            assert answer.status_code == 403
        else:
            assert "/sign-in?" in answer.headers["location"]
    assert client.get("/queues/slow").status_code == 404


@pytest.mark.parametrize("path", ["items", "events", "page"])
def test_one_who_loses_the_role_while_others_are_waited_for_is_told_nothing(
    client: httpx.Client, person: Person, other: tuple[httpx.Client, str], served: Served, path: str
) -> None:
    own, role = other
    entity = client.base_url.path.rstrip("/").rpartition("/")[2]
    answers: list[httpx.Response] = []
    turns = served.service.answers = InTurn(1, "large answers")
    who = asker(Principal(name=role.rpartition("/")[2], kind=PrincipalKind.USER))
    assert served.portal is not None
    with Browser(replace(served, tokens={"other": Secret(person.secret)})) as browser:
        browser.sign_in("other")

        def ask() -> None:
            answers.append(
                browser.get(f"/e/{entity}/queues") if path == "page" else own.get(f"/{path}")
            )

        with served.portal.wrap_async_context_manager(turns.of(who)):
            asks = threading.Thread(target=ask)
            asks.start()
            served.portal.call(until, lambda: turns._here[who] == 2)
            assert client.delete(role).is_success
        asks.join()
    assert answers[0].status_code == 403
