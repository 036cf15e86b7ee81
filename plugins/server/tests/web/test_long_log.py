"""A log of a gigabyte in the browser: what is read of it does not depend on how long it is."""

import pytest
from playwright.async_api import Page, Request, expect

from ..long_log import LAST, LENGTH, long_log
from ..over_http import SPEC
from .lab import Lab

MOST = 2 * 2**20
"""Bytes of a log that may be read for one look at it."""
MOST_NODES = 3000


@pytest.fixture(scope="module")
def launch(lab: Lab) -> str:
    """The page of the launch."""
    lab.of_entity("POST", "/queues", SPEC)
    with lab.client() as client:
        return lab.at(f"/launches/{long_log(client, lab.folder / 'data' / 'launchkit.db')}")


@pytest.mark.parametrize("place", ["", "#at=0", f"#at={LENGTH // 2}"])
async def test_of_a_log_of_a_gigabyte_only_what_is_looked_at_is_read(
    page: Page, launch: str, place: str
) -> None:
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("requestfinished", note)
    await page.goto(launch + place)
    lines = page.get_by_role("region", name="Lines of the log")
    await expect(lines.locator(".log-chosen") if place else lines.get_by_text(LAST)).to_be_visible()
    await expect(page.get_by_text("of 1.1 GB")).to_be_visible()
    assert await lines.locator("*").count() <= MOST_NODES
    answers = [await one.response() for one in asked if one.url.startswith(f"{launch}/log")]
    bodies = [await answer.body() for answer in answers if answer]
    assert 0 < sum(map(len, bodies)) <= MOST
