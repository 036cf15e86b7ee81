"""How long an address may be, and that one which comes too often is not looked at."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from launchkit_server.door import Door
from launchkit_server.envelope import Limits
from launchkit_server.targets import LONGEST_PATH, LONGEST_QUERY, MOST_FIELDS
from waiting import PATIENCE

from .conftest import Served, served_with

TOKEN = f"lk_{'a' * 43}"


@pytest.fixture
def stranger(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=PATIENCE) as client:
        yield client


@pytest.mark.parametrize("path", ["/api/v1/x", "/sign-in", "/readyz"])
@pytest.mark.parametrize(
    "query",
    [
        "a=" + "%e9" * (LONGEST_QUERY // 3 + 1),
        f"{'&' * MOST_FIELDS}",
        f"{'a=1&' * MOST_FIELDS}token={TOKEN}",
    ],
)
def test_of_a_query_that_is_too_long_nothing_is_read(
    stranger: httpx.Client, path: str, query: str
) -> None:
    answer = stranger.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (414, "address_too_long")
    assert f"{LONGEST_QUERY} bytes, and {MOST_FIELDS} fields" in answer.json()["detail"]


def test_a_path_of_too_many_names_is_refused(stranger: httpx.Client) -> None:
    answer = stranger.get("/" + "a/" * (LONGEST_PATH // 2))
    assert (answer.status_code, answer.json()["code"]) == (414, "address_too_long")


def test_a_query_of_as_many_fields_as_may_be_is_read(stranger: httpx.Client) -> None:
    answer = stranger.get(f"/api/v1/x?{'a=1&' * (MOST_FIELDS - 1)}b={'x' * 500}")
    assert answer.status_code == 404


def test_an_address_that_comes_too_often_is_not_looked_at(tmp_path: Path) -> None:
    door = Door(limits=Limits(requests_per_second=1 / PATIENCE))
    with (
        served_with(door, tmp_path) as served,
        httpx.Client(base_url=served.url, timeout=PATIENCE) as stranger,
    ):
        answers = [stranger.get(f"/api/v1/x?token={TOKEN}") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 429, 429]


def test_a_handshake_of_websocket_is_a_request_as_any_other(
    stranger: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "launchkit.server")
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = stranger.get(f"/x?token={TOKEN}", headers=upgrade)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    logs = {"launchkit.server", "uvicorn.error"}
    said = [one.getMessage() for one in caplog.records if one.name in logs]
    assert "GET /x: 400" in said
    assert TOKEN not in "".join(said)
