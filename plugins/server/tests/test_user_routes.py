"""Queues edited by two, launches sent twice, many changed at once, configs checked: over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from .conftest import Served
from .over_http import RECIPE, SPEC, client_in, launched


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with client_in(served, uuid4().hex) as client:
        yield client


def state_of(client: httpx.Client, item: dict[str, Any]) -> str:
    return str(client.get("/item", params={"ref": item["id"]}).json()["item"]["state"])


def test_an_edit_over_an_old_version_is_refused(client: httpx.Client) -> None:
    tag = client.get("/queues/q").headers["etag"]
    wanted = {"spec": {**SPEC, "max_concurrent": 2}}
    first = client.put("/queues/q", json=wanted, headers={"If-Match": tag})
    assert first.is_success
    assert first.headers["etag"] != tag
    for stale in (tag, '"nonsense"', "nonsense"):
        second = client.put("/queues/q", json={"spec": SPEC}, headers={"If-Match": stale})
        assert (second.status_code, second.json()["code"]) == (412, "stale")
    assert client.get("/queues/q").headers["etag"] == first.headers["etag"]
    for fresh in (first.headers["etag"], "*"):
        assert client.put("/queues/q", json=wanted, headers={"If-Match": fresh}).is_success


def test_a_launch_is_made_once_per_key(client: httpx.Client) -> None:
    url, body = "/queues/q/launches", {"spec": {"recipe": RECIPE}}
    one, two = (client.post(url, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert one.json()["id"] == two.json()["id"]
    assert launched(client, idempotency_key="k")["id"] == one.json()["id"]
    other = {**body, "priority": 1}
    assert client.post(url, json=other, headers={"Idempotency-Key": "k"}).status_code in {409, 422}
    both = {**body, "idempotency_key": "a"}
    assert client.post(url, json=both, headers={"Idempotency-Key": "k"}).status_code == 422


def test_the_owner_of_the_token_launches_also_where_another_author_is_named(
    client: httpx.Client,
) -> None:
    own = launched(client)
    spec = {"recipe": RECIPE, "author": "somebody"}
    other = client.post("/queues/q/launches", json={"spec": spec}).json()
    (event,) = client.get("/events", params={"item": other["id"]}).json()
    assert (own["author"], other["author"], event["actor"]) == ("ann", "somebody", "ann")


def test_all_that_a_filter_matches_are_changed(client: httpx.Client) -> None:
    items = [launched(client) for _ in range(3)]
    change = {"kind": "hold", "reason": "no data yet"}
    answer = client.post("/items/changes", json={"filter": {"queue": "q"}, "change": change})
    assert [one["id"] for one in answer.json()] == [item["id"] for item in items]
    assert {state_of(client, item) for item in items} == {"held"}
    stop = {"filter": {"limit": 1, "states": ["held"]}, "change": {"kind": "stop"}}
    assert len(client.post("/items/changes", json=stop).json()) == 1
    assert [state_of(client, item) for item in items] == ["stopped", "held", "held"]


def test_what_is_requeued_goes_back_or_is_launched_again_once_per_key(
    client: httpx.Client,
) -> None:
    held, ended = launched(client), launched(client)
    client.post(f"/items/{held['id']}/changes", json={"kind": "hold", "reason": "later"})
    client.post(f"/items/{ended['id']}/changes", json={"kind": "stop"})
    wanted = {"filter": {"states": ["held", "stopped"]}, "idempotency_key": "once"}
    first = client.post("/items/requeues", json=wanted).json()
    again = client.post("/items/requeues", json=wanted).json()
    assert (first[0]["id"], first[0]["again"]) == (held["id"], None)
    assert state_of(client, held) == "queued"
    assert first[1]["again"] == again[-1]["again"] not in {None, ended["id"]}


@pytest.mark.parametrize("holds", [True, False])
def test_what_was_put_back_by_a_key_is_not_launched_again_by_it(
    client: httpx.Client, *, holds: bool
) -> None:
    item = launched(client)
    own = f"/items/{item['id']}"
    if holds:
        client.post(f"{own}/changes", json={"kind": "hold", "reason": "later"})
    wanted = {"filter": {"states": ["queued", "held", "stopped"]}, "idempotency_key": "k"}
    for state in ("queued", "queued", "stopped"):
        if state == "stopped":
            client.post(f"{own}/changes", json={"kind": "stop"})
        back = client.post(f"{own}/requeues", headers={"Idempotency-Key": "k"}).json()
        assert (back["id"], back["state"]) == (item["id"], state)
        (outcome,) = client.post("/items/requeues", json=wanted).json()
        assert outcome["again"] is None
    again = client.post(f"{own}/requeues", headers={"Idempotency-Key": "other"}).json()
    assert again["id"] != item["id"]


def test_one_that_is_held_anew_is_not_put_back_by_the_key_of_before(client: httpx.Client) -> None:
    item = launched(client)
    for state in ("queued", "held"):
        client.post(f"/items/{item['id']}/changes", json={"kind": "hold", "reason": "later"})
        back = client.post(f"/items/{item['id']}/requeues", headers={"Idempotency-Key": "k"})
        assert back.json()["state"] == state


def test_one_that_is_under_way_is_not_requeued(client: httpx.Client) -> None:
    item = launched(client)
    back = client.post(f"/items/{item['id']}/requeues")
    assert back.json()["id"] == item["id"]
    assert client.post("/items/none/requeues").status_code == 404


def test_a_bulk_change_has_a_bound(client: httpx.Client) -> None:
    body = {"filter": {"limit": 501}, "change": {"kind": "stop"}}
    answer = client.post("/items/changes", json=body)
    assert answer.status_code == 422
    assert "limit" in answer.json()["detail"]


def test_fields_of_a_config_are_found(client: httpx.Client) -> None:
    answer = client.post("/queues/parse", json={"config": {"env": {"N": "{{ n }}"}}})
    assert [*answer.json()] == ["n"]


def test_a_config_is_shown_to_its_runner_where_that_is_installed(client: httpx.Client) -> None:
    good = client.post("/queues/check", json=SPEC)
    assert good.json() == {"runner": "local-process"}
    elsewhere = client.post("/queues/check", json={**SPEC, "resource": "far-away"})
    assert elsewhere.json() == {"runner": None}
    bad = client.post("/queues/check", json={**SPEC, "config": {"nonsense": 1}})
    assert (bad.status_code, bad.json()["code"]) == (422, "rejected")
    assert "nonsense" in bad.json()["detail"]


def test_the_kinds_that_are_installed_bring_schemas_and_configs(client: httpx.Client) -> None:
    kinds = {one["kind"]: one for one in client.get("/kinds").json()}
    assert kinds["local-process"]["config_schema"]["type"] == "object"
    assert client.get("/kinds/local-process").json() == kinds["local-process"]
    missing = client.get("/kinds/far-away")
    assert (missing.status_code, missing.json()["code"]) == (422, "plugin")
