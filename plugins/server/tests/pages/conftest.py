"""One queue service for the pages of a file, over an SQLite file, and those who come to it."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from launchkit_server.door import Door

from ..browsing import Browser
from ..conftest import Served, served_with
from ..over_http import client_in


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_with(Door(), tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture
def browser(served: Served) -> Iterator[Browser]:
    """An administrator's."""
    with Browser(served) as browser:
        browser.sign_in()
        yield browser


@pytest.fixture
def entity() -> str:
    return uuid4().hex


@pytest.fixture
def client(served: Served, entity: str) -> Iterator[httpx.Client]:
    """The API in an entity of its own."""
    with client_in(served, entity) as client:
        yield client
