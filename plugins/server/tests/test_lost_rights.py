"""Who loses a role while something long is sent: no more of it comes, or is taken."""

import hashlib
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from waiting import PATIENCE

from .conftest import Served
from .over_http import claimed, client_in, launched
from .roles import bearer

PIECE = 2**20


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with client_in(served, uuid4().hex) as client:
        yield client


@pytest.fixture
def other(client: httpx.Client, served: Served) -> Iterator[tuple[httpx.Client, str]]:
    """Somebody with a role, and the address that the role is taken away by."""
    base, name = f"{served.url}/api/v1", f"other-{uuid4().hex}"
    client.post(f"{base}/users", json={"name": name, "kind": "user"})
    role = f"{client.base_url}roles/{name}"
    assert client.put(role, json={"role": "admin"}).is_success
    made = client.post(f"{base}/tokens", json={"owner": name}).json()
    with httpx.Client(
        base_url=client.base_url, headers=bearer(made["secret"]), timeout=PATIENCE
    ) as one:
        yield one, role


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
