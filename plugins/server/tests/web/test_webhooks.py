"""Webhooks in the browser: made, tried, paused and removed, with a receiver that answers."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from ..receiver import Receiver, receiving
from .browsers import Watched
from .lab import Lab
from .screens import look_at


@pytest.fixture(scope="module", autouse=True)
def filled(lab: Lab) -> None:
    """A queue, so that there is an entity."""
    lab.of_entity("POST", "/queues", {"name": "train", "resource": "local-process"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


async def test_a_webhook_is_made_and_its_secret_shown_once(
    page: Page, lab: Lab, receiver: Receiver, watch: Watched
) -> None:
    watch.allow("422")
    receiver.status, receiver.text = 500, "<b>no room</b>"
    await page.goto(f"{lab.url}/settings/tokens")
    await page.get_by_role("link", name="Webhooks", exact=True).click()
    await expect(page.get_by_text("No webhooks yet")).to_be_visible()
    await page.get_by_label("Name", exact=True).fill("chat")
    await page.get_by_label("URL", exact=True).fill("https://ann:pw@chat.example/")
    await page.get_by_label("queue.paused").check()
    await page.get_by_role("button", name="Make webhook").click()
    await expect(page.get_by_role("alert")).to_contain_text("must not have a name or a password")
    await page.get_by_label("URL", exact=True).fill(f"{receiver.url}/x")
    await page.get_by_role("button", name="Make webhook").click()
    receiver.secret = await page.locator("#secret").inner_text()
    await look_at(page, "settings-webhooks-made")
    await page.reload()
    await expect(page.get_by_text("Its secret was shown once")).to_be_visible()
    await expect(page.locator("#secret")).to_have_count(0)
    one = page.get_by_role("region", name="chat of lab")
    await expect(one).to_contain_text("launch.failed, queue.paused")
    await one.get_by_role("button", name="Send a test").click()
    await answered(page, "500: <b>no room</b>")
    await look_at(page, "settings-webhooks")
    await one.get_by_role("button", name="Pause").click()
    await expect(one).to_contain_text("paused")
    await one.get_by_role("button", name="Resume").click()
    await one.get_by_role("button", name="Remove webhook chat").click()
    await expect(page.get_by_text("No webhooks yet")).to_be_visible()


async def answered(page: Page, text: str) -> None:
    """Look again until the receiver's answer stands there."""
    while not await page.get_by_text(text).count():
        await page.reload()
