"""Lists that are longer than an answer of the service may be."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from launchkit_server.door import Door

from launchkit.abc import Selection, Site, hub
from launchkit.builtin.http.hub import HttpHub
from launchkit.store import launches
from launchkit.testing import started
from launchkit.wire.user_side import MAX_ITEMS

from .conftest import Served, served_with
from .over_http import client_in, launched


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_with(Door(), tmp_path) as served:
        yield served


async def test_a_list_of_any_length_comes_in_as_many_answers_as_it_takes(
    served: Served, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "PAGE", 2)
    with client_in(served, "e") as client:
        ids = [launched(client)["id"] for _ in range(5)]
    made = HttpHub(url=served.url, entity="e", token=served.tokens["ann"])
    async with started(made, site):
        for limit in range(7):
            views = await made.launches().list(Selection(limit=limit))
            assert [view.item.id for view in views] == ids[::-1][:limit]


async def test_what_is_more_than_an_answer_holds_comes_and_is_changed_whole(
    served: Served, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launches, "MOST_CHARACTERS", 1)
    with client_in(served, "e") as client:
        ids = [launched(client)["id"] for _ in range(3)]
        (view,) = client.get("/items").json()
        assert (view["item"]["id"], view["cut"]) == (ids[2], True)
        made = HttpHub(url=served.url, entity="e", token=served.tokens["ann"])
        async with started(made, site):
            views = await made.launches().list(Selection())
        assert [view.item.id for view in views] == ids[::-1]
        assert [view.cut for view in views] == [True, True, False]
        body = {"filter": {}, "change": {"kind": "stop"}}
        changed = client.post("/items/changes", json=body).json()
        assert [one["id"] for one in changed] == ids


def test_an_answer_lists_only_so_many(served: Served) -> None:
    with client_in(served, "e") as client:
        assert client.get("/items", params={"limit": MAX_ITEMS}).is_success
        assert client.get("/items", params={"limit": MAX_ITEMS + 1}).is_client_error
