"""Somebody who loses what they may, also in the midst of what is done for them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import uuid4

import httpx
import pytest
from waiting import PATIENCE

from launchkit.model import Secret
from launchkit.model.people import Role
from launchkit.store.database import After, Body, Database
from launchkit.store.people import GrantRole, RemoveAccount, RevokeRole
from launchkit.store.tokens import RevokeToken

from .browsing import Browser
from .conftest import Served
from .over_http import client_in
from .roles import bearer

T = TypeVar("T")


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with client_in(served, uuid4().hex) as client:
        yield client


@dataclass(frozen=True)
class Person:
    """Somebody with a role, and the addresses by which that, the token and the account end."""

    name: str
    secret: str
    role: str
    token: str
    account: str


@pytest.fixture
def person(client: httpx.Client, served: Served) -> Person:
    base, name = f"{served.url}/api/v1", f"other-{uuid4().hex}"
    client.post(f"{base}/users", json={"name": name, "kind": "user"})
    role = f"{client.base_url}roles/{name}"
    assert client.put(role, json={"role": "admin"}).is_success
    made = client.post(f"{base}/tokens", json={"owner": name}).json()
    token = f"{base}/tokens/{made['token']['id']}"
    return Person(name, made["secret"], role, token, f"{base}/users/{name}")


class Meanwhile(Database):
    """A database that is *open*, in which something *happens* before the transaction that is
    *awaited*: what others do while that waits.
    """

    def __init__(
        self, opened: Database, awaited: Callable[[Body[object]], bool], happens: Body[object]
    ) -> None:
        self.topics = opened.topics
        self._open = opened
        self._awaited = awaited
        self._happens = happens

    async def write(self, body: Body[T]) -> T:
        await self._wait(body)
        return await self._open.write(body)

    async def _wait(self, body: Body[object]) -> None:
        if self._awaited(body.body if isinstance(body, After) else body):
            await self._open.write(self._happens)

    async def read(self, body: Body[T], *, prompt: bool = False) -> T:
        await self._wait(body)
        return await self._open.read(body, prompt=prompt)

    def opened(self) -> AbstractAsyncContextManager[None]:
        return self._open.opened()


@dataclass(frozen=True)
class Scene:
    """A service, somebody whose role and token end there, and how that is seen."""

    served: Served
    client: httpx.Client
    person: Person

    @property
    def entity(self) -> str:
        """Where they have their role."""
        return self.client.base_url.path.rstrip("/").rpartition("/")[2]

    @property
    def own(self) -> httpx.Client:
        """A client with their token."""
        return httpx.Client(
            base_url=self.client.base_url, headers=bearer(self.person.secret), timeout=PATIENCE
        )

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """A browser in which they have signed in."""
        known = {"other": Secret(self.person.secret)}
        with Browser(replace(self.served, tokens=known)) as browser:
            browser.sign_in("other")
            yield browser

    @contextmanager
    def loses(self, lost: str, awaited: Callable[[Body[object]], bool]) -> Iterator[None]:
        """They lose something before the transaction that is *awaited* in the context."""
        service, before = self.served.service, self.served.service.database
        service.database = Meanwhile(before, awaited, self._loss(lost))
        try:
            yield
        finally:
            service.database = before

    def _loss(self, lost: str) -> Body[object]:
        name = self.person.name
        ends: dict[str, Body[object]] = {
            "token": RevokeToken(self.person.token.rpartition("/")[2], "test"),
            "account": RemoveAccount(name, "test"),
            "role": RevokeRole(name, self.entity, "test"),
            "rank": GrantRole(name, self.entity, Role.VIEWER, "test"),
        }
        return ends[lost]


@pytest.fixture
def scene(served: Served, client: httpx.Client, person: Person) -> Scene:
    return Scene(served, client, person)


def nth(number: int, *kinds: type) -> Callable[[Body[object]], bool]:
    """Whether a body is of one of these *kinds*, and so many came before."""
    seen = 0

    def awaited(body: Body[object]) -> bool:
        nonlocal seen
        seen += isinstance(body, kinds)
        return isinstance(body, kinds) and seen == number

    return awaited
