"""The page of a launch: its parts, its log in pieces, and what changes it."""

import time

import httpx
import pytest
from launchkit_server import searching
from launchkit_server.searching import Wanted, search

from ..browsing import Browser
from ..conftest import Served
from ..over_http import claimed, launched


def test_other_names_of_a_launch_lead_to_its_page(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    item = launched(client)
    led = browser.get(f"/e/{entity}/launches/{item['run_id']}")
    assert led.headers["location"] == f"/e/{entity}/launches/{item['id']}"


def test_how_a_launch_ended_is_told_as_text(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    launched(client)
    held = claimed(client)
    verdict = {
        "code": "user_exit",
        "summary": "it <b>broke</b>",
        "evidence": ["<script>", "\x1b[1m"],
    }
    held.reports("failed", verdict=verdict)
    page = browser.get(f"/e/{entity}/launches/{held.id}").text
    assert "it &lt;b&gt;broke&lt;/b&gt;" in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page


@pytest.mark.parametrize("tab", ["log", "request", "history"])
def test_each_part_of_the_page_is_shown(
    browser: Browser, client: httpx.Client, entity: str, tab: str
) -> None:
    item = launched(client)
    page = browser.get(f"/e/{entity}/launches/{item['id']}", params={"tab": tab})
    assert (page.status_code, "Place" in page.text or "Next in" in page.text) == (200, True)


def test_a_launch_is_held_released_and_stopped_on_its_page(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    item = launched(client)
    for verb, state in (("hold", "held"), ("release", "queued"), ("stop", "stopped")):
        done = browser.post(f"/e/{entity}/launches/{item['id']}/{verb}", {"reason": "for a test"})
        assert done.status_code == 303
        assert client.get("/item", params={"ref": item["id"]}).json()["item"]["state"] == state


def test_what_is_repeated_twice_on_one_page_is_launched_once(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    item = launched(client)
    path = f"/e/{entity}/launches/{item['id']}"
    browser.post(f"{path}/stop")
    first, second = (browser.post(f"{path}/again", {"key": "k"}) for _ in range(2))
    assert first.headers["location"] == second.headers["location"] != path


def test_parts_of_a_log_say_how_long_it_is(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    launched(client)
    held = claimed(client)
    held.says(0, b"one\ntwo\n")
    path = f"/e/{entity}/launches/{held.id}/log"
    part = browser.get(path, params={"offset": 4, "limit": 3})
    assert part.content == b"two"
    assert part.headers["launchkit-log-size"] == "8"
    assert part.headers["launchkit-log-complete"] == "false"
    assert browser.get(path, params={"limit": 2**21}).status_code == 422
    file = browser.get(f"{path}/file")
    assert file.content == b"one\ntwo\n"
    assert file.headers["content-disposition"] == f'attachment; filename="{held.id}.log"'


def test_a_log_is_searched_in_whatever_case(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    launched(client)
    held = claimed(client)
    held.says(0, b"Loss one\n.oss\nLOSS")
    path = f"/e/{entity}/launches/{held.id}/log/search"
    found = browser.get(path, params={"text": "loss"}).json()
    assert [one["offset"] for one in found["matches"]] == [0, 14]
    assert (found["next"], found["size"]) == (18, 18)


def test_no_text_takes_long_to_search_for_or_has_more_matches_than_are_told() -> None:
    log = b"a" * 2**20
    began = time.thread_time()
    assert searching._matches(b"a" * 499 + b"b", log, 0) == []
    assert len(searching._matches(b"a", log, 0)) == searching.MOST
    assert time.thread_time() - began < 0.25


@pytest.mark.parametrize("most", [1, 200])
async def test_a_long_log_is_searched_part_by_part_and_misses_nothing(
    client: httpx.Client, served: Served, entity: str, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    launched(client)
    held = claimed(client)
    size, word = 0, b"needle"
    for _ in range(5):
        piece = b"." * (700_000 - 3) + word  # some stand across the ends of pages
        assert held.says(size, piece).is_success
        size += len(piece)
    monkeypatch.setattr(searching, "SCANNED", 1)
    monkeypatch.setattr(searching, "MOST", most)
    assert served.portal is not None
    offset, found = 0, []
    while offset < size:
        wanted = Wanted(held.id, None, "needle", offset)
        part = served.portal.call(
            search, served.service.logs(served.service.database, entity), wanted
        )
        assert part.next > offset
        found += [one.offset for one in part.matches]
        offset = part.next
    assert found == [700_003 * n - 6 for n in range(1, 6)]
