"""The list of launches: its filters stand in its address, and many launches are changed at once."""

import html
import re
from typing import Any

import httpx
import pytest
from launchkit_server.targets import LONGEST_QUERY, MOST_FIELDS
from launchkit_server.web.filtering import COLUMNS, USUAL, View
from launchkit_server.web.forms import LONGEST_KEY
from launchkit_server.web.pages import launches as module

from launchkit.model import ItemState
from launchkit.store import launches

from ..browsing import Browser
from ..over_http import RECIPE, launched


def named(client: httpx.Client, *names: str) -> list[str]:
    """The ids of new launches."""
    return [launched(client, spec={"recipe": RECIPE, "name": name})["id"] for name in names]


def state(client: httpx.Client, item: str) -> str:
    return str(client.get("/item", params={"ref": item}).json()["item"]["state"])


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, {"one", "two"}),
        ({"name": "on"}, {"one"}),
        ({"name": "t*"}, {"two"}),
        ({"state": "held"}, {"two"}),
        ({"state": "held", "exclude": "1"}, {"one"}),
        ({"queue": "none"}, set()),
        ({"author": "ann"}, {"one", "two"}),
        ({"not_author": "ann"}, set()),
        ({"not_queue": "none", "not_author": "bob"}, {"one", "two"}),
        ({"not_queue": "q"}, set()),
        ({"agent": "box"}, set()),
    ],
)
def test_what_is_shown_stands_in_the_address(
    browser: Browser, client: httpx.Client, entity: str, query: dict[str, Any], shown: set[str]
) -> None:
    _, second = named(client, "one", "two")
    browser.post(f"/e/{entity}/launches/{second}/hold")
    page = browser.get(f"/e/{entity}/launches", params=query)
    assert page.status_code == 200
    assert {name for name in ("one", "two") if f">{name}</a>" in page.text} == shown


def test_the_address_leaves_out_what_a_form_sends_though_it_is_usual(
    browser: Browser, entity: str
) -> None:
    address = f"/e/{entity}/launches"
    sent: dict[str, Any] = {
        "name": "a b", "queue": "", "within": "", "author": "", "sort": "newest", "column": USUAL,
    }  # fmt: skip
    answer = browser.get(address, params=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{address}?name=a+b")
    assert browser.get(answer.headers["location"]).status_code == 200
    other = browser.get(address, params={**sent, "sort": "-ran", "column": ["why", "job"]})
    kept = f"{address}?name=a+b&sort=-ran&column=why&column=job"
    assert set(other.headers["location"].split("&")) == set(kept.split("&"))
    shown = browser.get(other.headers["location"])
    assert shown.status_code == 200
    assert re.search('<form class="filters"[^>]* autocomplete="off"', shown.text)


def test_pages_follow_each_other(
    browser: Browser, client: httpx.Client, entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = named(client, "a", "b", "c")
    monkeypatch.setattr(module, "PAGE", 2)
    first = browser.get(f"/e/{entity}/launches").text
    assert ">c</a>" in first
    assert f"after={ids[1]}" in first
    rest = browser.get(f"/e/{entity}/launches", params={"after": ids[1]}).text
    assert ">a</a>" in rest
    assert ">b</a>" not in rest


def test_a_page_of_large_launches_ends_early_and_leads_on(
    browser: Browser, client: httpx.Client, entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = named(client, "a", "b", "c")
    monkeypatch.setattr(launches, "MOST_CHARACTERS", 1)
    for address in ("launches", "queues/q"):
        first = browser.get(f"/e/{entity}/{address}").text
        (shown,) = [name for name in ("a", "b", "c") if f">{name}</a>" in first]
        assert f"after={ids['abc'.index(shown)]}" in first


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of one launch."""
    monkeypatch.setattr(module, "PAGE", 1)


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize(
    ("sort", "how", "shown"),
    [
        ("", "descending", ["c", "b", "a"]),
        ("oldest", "ascending", ["a", "b", "c"]),
        ("state", "ascending", ["c", "a", "b"]),
        ("-state", "descending", ["b", "c", "a"]),
        ("queue", "ascending", ["b", "c", "a"]),
        ("no such", "descending", ["c", "b", "a"]),
    ],
)
def test_a_list_is_sorted_page_by_page_by_the_head_of_a_column(
    browser: Browser,
    client: httpx.Client,
    entity: str,
    sort: str,
    how: str,
    shown: list[str],
) -> None:
    client.post("/queues", json={"name": "other", "resource": "local-process"})
    named(client, "a")
    body = {"spec": {"recipe": RECIPE, "name": "b"}}
    second = client.post("/queues/other/launches", json=body).json()["id"]
    named(client, "c")
    browser.post(f"/e/{entity}/launches/{second}/stop")
    address: str | None = f"/e/{entity}/launches?sort={sort}"
    seen = []
    while address:
        page = browser.get(address, follow_redirects=True).text
        assert re.findall('aria-sort="(.*?)"', page) == [how]
        seen += re.findall('<th scope="row"><a href=".*?">(.*?)</a>', page)
        assert len(seen) <= len(shown)
        further = re.search('rel="next" href="(.*?)"', page)
        address = html.unescape(further[1]) if further else None
    assert seen == shown


def test_the_heads_of_columns_lead_to_orders_and_back() -> None:
    assert [View().sort_by(one) for one in COLUMNS] == [
        "state", "queue", "author", None, "priority", None, None, "waited", "ran", "oldest", None,
    ]  # fmt: skip
    assert View(sort="ran").sort_by("ran") == "-ran"
    assert View(sort="-ran").sort_by("ran") == "ran"
    assert View(sort="ran").sorted_by("ran") == "descending"
    assert View(sort="ran").sorted_by("waited") is None


def test_that_only_the_newest_are_sorted_is_said(
    browser: Browser, client: httpx.Client, entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(client, "a", "b", "c")
    monkeypatch.setattr(module, "MOST", 2)
    address = f"/e/{entity}/launches"
    assert "the newest 2 are sorted" in browser.get(address, params={"sort": "ran"}).text
    assert "are sorted" not in browser.get(address, params={"sort": "oldest"}).text


def test_all_that_match_are_counted_up_to_a_bound(
    browser: Browser, client: httpx.Client, entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = named(client, "sweep-1", "sweep-2", "other")
    page = browser.get(f"/e/{entity}/launches", params={"name": "sweep-*", "after": ids[1]})
    assert "2 launches match" in page.text
    monkeypatch.setattr(module, "MOST", 2)
    assert "2+ launches<" in browser.get(f"/e/{entity}/launches").text


def test_those_that_were_chosen_are_changed(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    first, second = named(client, "one", "two")
    fields = {"verb": "stop", "id": [first]}
    asked = browser.post(f"/e/{entity}/launches/changes", fields).text
    assert ("Stop 1 launch?" in asked, state(client, first)) == (True, "queued")
    done = browser.post(f"/e/{entity}/launches/changes", {**fields, "sure": "1"})
    assert "1 of 1 launch" in done.text
    assert (state(client, first), state(client, second)) == ("stopped", "queued")
    done = browser.post(f"/e/{entity}/launches/changes", {"verb": "hold", "id": [first, second]})
    assert "1 of 2 launches" in done.text
    assert "has ended" in done.text


def test_all_that_match_are_changed_on_whatever_page_they_are(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    ids = named(client, "sweep-1", "sweep-2", "other")
    fields = {"verb": "stop", "all": "1", "view": "name=sweep-*", "reason": "enough"}
    assert "Stop 2 launches?" in browser.post(f"/e/{entity}/launches/changes", fields).text
    fields["sure"] = "1"
    assert "2 of 2 launches" in browser.post(f"/e/{entity}/launches/changes", fields).text
    assert [state(client, one) for one in ids] == ["stopped", "stopped", "queued"]


def view_of(page: str) -> str:
    """What a page of the list sends of itself with a change."""
    found = re.search('name="view" value="(.*?)"', page)
    assert found
    return html.unescape(found[1])


def test_all_that_match_are_changed_by_the_longest_address_that_a_list_may_have(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    ids = named(client, "mine", "mine", "precious")
    others = {"not_queue": "\u9b31" * 300, "not_author": "\u9b31" * 300}
    for query in ({**others, "name": "mine"}, {"state": ["queued", "held"] * 40, "name": "mine"}):
        address = f"/e/{entity}/launches"
        page = browser.get(address, params=query, follow_redirects=True).text
        assert "2 launches match" in page
        for verb, becomes in (("hold", "held"), ("release", "queued")):
            fields = {"verb": verb, "all": "1", "view": view_of(page)}
            assert "2 of 2 launches" in browser.post(f"{address}/changes", fields).text
            assert [state(client, one) for one in ids] == [becomes, becomes, "queued"]


@pytest.mark.parametrize(
    ("view", "why"),
    [
        ("not_author=" + "a" * LONGEST_QUERY + "&name=mine", f"at most {LONGEST_QUERY} bytes"),
        ("state=held&" * MOST_FIELDS + "name=mine", f"{MOST_FIELDS} fields"),
        ("name=" + "m" * 301, "name: must have at most 300 characters"),
        ("state=hold", "state[0]: must be"),
        ("exclude=2", "exclude: must be"),
    ],
)
def test_what_is_the_address_of_no_list_changes_nothing_and_is_told(
    browser: Browser, client: httpx.Client, entity: str, view: str, why: str
) -> None:
    (item,) = named(client, "mine")
    fields = {"verb": "hold", "all": "1", "view": view}
    answer = browser.post(f"/e/{entity}/launches/changes", fields)
    assert answer.status_code == 422
    assert why in html.unescape(answer.text)
    assert state(client, item) == "queued"


@pytest.mark.parametrize("path", ["launches/changes", "launches/{item}/again", "launch"])
def test_a_key_of_which_only_a_part_would_be_kept_is_refused(
    browser: Browser, client: httpx.Client, entity: str, path: str
) -> None:
    (item,) = named(client, "one")
    browser.post(f"/e/{entity}/launches/{item}/stop")
    fields = {"verb": "requeue", "id": [item], "key": "k" * (LONGEST_KEY + 1)}
    answer = browser.post(f"/e/{entity}/{path.format(item=item)}", fields)
    assert answer.status_code == 422
    assert f"key: has {LONGEST_KEY + 1} characters" in answer.text
    assert len(client.get("/items").json()) == 1


def test_what_is_launched_again_twice_from_one_page_is_launched_once(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    (item,) = named(client, "one")
    browser.post(f"/e/{entity}/launches/{item}/stop")
    for _ in range(2):
        fields = {"verb": "requeue", "id": [item], "key": "k"}
        assert "1 of 1" in browser.post(f"/e/{entity}/launches/changes", fields).text
    assert len(client.get("/items").json()) == 2


@pytest.mark.parametrize("part", ["/launches", "/launches/{item}"])
def test_each_sight_of_a_page_launches_again_for_itself(
    browser: Browser, client: httpx.Client, entity: str, part: str
) -> None:
    (item,) = named(client, "one")
    browser.post(f"/e/{entity}/launches/{item}/stop")
    address = f"/e/{entity}{part.format(item=item)}"
    keys = [re.search('name="key" value="(.+?)"', browser.get(address).text) for _ in range(3)]
    found = {key[1] for key in keys if key}
    assert len(found) == 3
    for key in found:
        fields = {"verb": "requeue", "id": [item], "key": key}
        assert "1 of 1" in browser.post(f"/e/{entity}/launches/changes", fields).text
    assert len(client.get("/items").json()) == 4


@pytest.mark.parametrize("fields", [{"verb": "burn"}, {"verb": "priority", "level": "most"}])
def test_what_cannot_be_done_is_refused(
    browser: Browser, client: httpx.Client, entity: str, fields: dict[str, str]
) -> None:
    assert browser.post(f"/e/{entity}/launches/changes", fields).status_code == 422


def test_the_command_line_twin_shows_the_same() -> None:
    assert View(not_queue="a b", not_author="bob").command(50) == (
        "launchkit ls --not-queue='a b' --not-author=bob --limit 50"
    )
    assert View(sort="-ran").command(5) == "launchkit ls --sort ran --reverse --limit 5"
    assert View(sort="oldest").command(5) == "launchkit ls --reverse --limit 5"
    view = View(queue="q", state=[ItemState.FAILED], name="a b", within="24h")
    assert view.command(100) == (
        "launchkit ls --state failed --queue=q --name='*a b*' --since 24h --limit 100"
    )


def test_a_list_of_no_state_has_no_command_that_shows_everything(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    named(client, "one")
    address = f"/e/{entity}/launches"
    assert "launchkit ls --limit 100" in browser.get(address).text
    page = browser.get(address, params={"state": [*ItemState], "exclude": "1"})
    assert "No launch is like this" in page.text
    assert "launchkit ls" not in page.text


def test_a_kind_of_event_that_there_is_not_is_refused_as_on_the_command_line(
    browser: Browser, entity: str
) -> None:
    page = browser.get(f"/e/{entity}/events", params={"kind": "zzz"})
    assert page.status_code == 422
    assert "no kind of event" in page.text
    assert browser.get(f"/e/{entity}/events", params={"kind": "state"}).status_code == 200


def test_what_was_launched_lately_is_counted_from_now() -> None:
    assert View(within="1h").selection(10_000, 5).since == 6400
    assert View(within="often").selection(10_000, 5).since is None
