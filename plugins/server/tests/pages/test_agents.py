"""The page of agents."""

import re

import httpx

from ..browsing import Browser
from ..over_http import CAPACITY, RECIPE, claimed, launched

STATUS = {
    "name": CAPACITY["agent"], "host": "h", "pid": 1, "version": "1", "entity": "e",
    "queues": ["q"], "max_jobs": 2, "started_at": 1.0,
}  # fmt: skip


def test_each_lease_is_shown_with_its_times(
    browser: Browser, client: httpx.Client, entity: str
) -> None:
    body = {"status": STATUS, "session": "s"}
    assert client.post("/agent/register", json=body).is_success
    page = browser.get(f"/e/{entity}/agents").text
    assert "It holds nothing" in page
    item = launched(client, spec={"recipe": RECIPE, "name": "<held>"})["id"]
    assert claimed(client).id == item
    page = browser.get(f"/e/{entity}/agents").text
    row = re.search(
        rf'<tr>\s*<th scope="row"><a href="[^"]*{item}">&lt;held&gt;.*?</tr>', page, re.DOTALL
    )
    assert row
    assert re.search(r"data-since=\"\d+", row[0])
    assert re.search(r">\d\d:\d\d:\d\d UTC</time>", row[0])
    assert "1 of 2 under way" in page
