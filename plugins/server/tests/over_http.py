"""What people and agents do over HTTP, in a few words, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from .conftest import Served, client_of

SPEC = {"name": "q", "resource": "local-process"}
RECIPE = {"source": {"kind": "image", "image": "x"}}
CAPACITY = {"agent": "box", "site": "s", "resources": ["local-process"], "unable": {}}


@contextmanager
def client_in(served: Served, entity: str, who: str = "ann") -> Iterator[httpx.Client]:
    """A client for an entity, with a queue `q` in it."""
    with client_of(served, who) as client:
        client.base_url = client.base_url.join(f"/api/v1/entities/{entity}")
        answer = client.post("/queues", json=SPEC)
        assert answer.status_code in {201, 409}, answer.text
        yield client


def launched(client: httpx.Client, **body: Any) -> dict[str, Any]:
    """A launch in the queue."""
    answer = client.post("/queues/q/launches", json={"spec": {"recipe": RECIPE}, **body})
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


@dataclass(frozen=True)
class Held:
    """A launch that an agent has claimed."""

    client: httpx.Client
    id: str
    token: int

    def says(self, offset: int, data: bytes) -> httpx.Response:
        """Add to its log."""
        params = {"token": self.token, "offset": offset}
        return self.client.put(f"/agent/items/{self.id}/log", params=params, content=data)

    def reports(self, state: str, **more: Any) -> None:
        """Tell what became of it."""
        body = {"token": self.token, "report": {"state": state, **more}}
        answer = self.client.post(f"/agent/items/{self.id}/reports", json=body)
        assert answer.is_success, answer.text


def claimed(client: httpx.Client, claim_id: str = "c") -> Held:
    """The next launch of the queue."""
    body = {"queue": "q", "capacity": CAPACITY, "claim_id": claim_id}
    claim = client.post("/agent/claims", json=body).json()["claim"]
    return Held(client, claim["item"]["id"], claim["token"])
