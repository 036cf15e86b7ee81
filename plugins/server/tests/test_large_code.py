"""Packed code that is larger than it may be is refused, in one request or in many."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from launchkit_server.archives import IN_THE_DATABASE
from launchkit_server.door import Door

from .conftest import client_of, served_with

PATH = f"/api/v1/entities/test/archives/{'0' * 64}"
MOST = IN_THE_DATABASE + 1000


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with served_with(Door(), tmp_path, max_archive=MOST) as served, client_of(served) as client:
        yield client


def refused(answer: httpx.Response) -> bool:
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    return f"at most {MOST} bytes" in answer.json()["detail"]


def known(client: httpx.Client) -> object:
    return client.get(f"{PATH}/known").json()


def test_packed_code_that_turns_out_too_large_is_refused(client: httpx.Client) -> None:
    pieces = (b" " * 1000 for _ in range(MOST // 1000 + 1))
    assert refused(client.put(PATH, content=pieces))
    assert refused(client.put(PATH, content=b" " * (MOST + 1)))


def test_packed_code_is_too_large_in_many_requests_as_in_one(client: httpx.Client) -> None:
    def cut_off() -> Iterator[bytes]:
        yield b" " * MOST
        raise ConnectionError

    with pytest.raises(ConnectionError):
        client.put(PATH, content=cut_off())
    begun = {"known": False, "size": IN_THE_DATABASE}
    while known(client) != begun:
        pass  # the service may not have heard yet of the connection that is lost
    rest = b" " * (MOST - IN_THE_DATABASE + 1)
    assert refused(client.put(PATH, params={"offset": IN_THE_DATABASE}, content=rest))
    assert known(client) == begun
