"""What happened, looked back at in the browser."""

import pytest
from playwright.async_api import Page, expect

from .lab import Lab
from .screens import look_at

RECIPE = {"source": {"kind": "image", "image": "x"}}


@pytest.fixture(scope="module", autouse=True)
def filled(lab: Lab) -> None:
    """More events than a page has, one of them a stop."""
    lab.of_entity("POST", "/queues", {"name": "train", "resource": "noop"})
    for number in range(101):
        body = {"spec": {"recipe": RECIPE, "name": f"run-{number}"}}
        lab.of_entity("POST", "/queues/train/launches", body)
    first = lab.of_entity("GET", "/item?ref=run-0")["item"]["id"]
    change = {"kind": "stop", "reason": "<i>enough</i>"}
    lab.of_entity("POST", f"/items/{first}/changes", change)


async def test_events_are_filtered_in_the_address_and_paged(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/events"))
    await expect(page.get_by_role("row").nth(1)).to_contain_text("<i>enough</i>")
    await expect(page.get_by_role("row")).to_have_count(101)
    await look_at(page, "events")
    await page.get_by_role("link", name="Older", exact=True).click()
    await expect(page.get_by_role("link", name="run-0", exact=True)).to_be_visible()
    await page.get_by_label("Kind", exact=True).select_option("queue")
    await page.get_by_role("button", name="Filter").click()
    await page.wait_for_url("**kind=queue**")
    await expect(page.get_by_role("row")).to_have_count(2)


async def test_what_happens_is_seen_without_loading_the_page_again(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/events"))
    body = {"spec": {"recipe": RECIPE, "name": "just-now"}}
    lab.of_entity("POST", "/queues/train/launches", body)
    await expect(page.get_by_role("link", name="just-now")).to_be_visible()
