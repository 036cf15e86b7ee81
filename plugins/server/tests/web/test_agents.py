"""Agents in the browser: what they do, and what an operator asks of them."""

from collections.abc import Iterator

import anyio
import pytest
from playwright.async_api import Page, expect

from .lab import Lab
from .screens import look_at


@pytest.fixture(scope="module", autouse=True)
def name(lab: Lab) -> Iterator[str]:
    """The name of an agent of a queue."""
    lab.of_entity("POST", "/queues", {"name": "train", "resource": "local-process"})
    with lab.process("agent", "-q", "train"):
        lab.wait(lambda: [one["online"] for one in lab.of_entity("GET", "/agents")] == [True])
        yield lab.of_entity("GET", "/agents")[0]["status"]["name"]


async def test_an_agent_is_paused_with_a_reason_and_resumed(
    page: Page, lab: Lab, name: str
) -> None:
    await page.goto(lab.at("/agents"))
    box = page.get_by_role("article", name=name)
    await expect(box.get_by_text("online")).to_be_visible()
    await box.get_by_text("Pause", exact=True).click()
    await box.get_by_label("Why, for those who wonder").fill("its <b>fan</b> is loud")
    await box.get_by_role("button", name=f"Pause {name}", exact=True).click()
    await expect(box.get_by_role("status")).to_contain_text("its <b>fan</b> is loud")
    await look_at(page, "agents")
    await box.get_by_role("button", name="Resume").click()
    await expect(box.get_by_text("online")).to_be_visible()
    assert lab.of_entity("GET", "/agents")[0]["pause"] is None


async def test_what_an_agent_holds_is_shown_with_its_times(page: Page, lab: Lab, name: str) -> None:
    code = lab.folder / "code"
    code.mkdir()
    (code / "train.py").write_text("import signal; signal.pause()")
    words = ("launch", "-u", str(code), "-q", "train", "-E", "python train.py", "--name", "sits")
    await anyio.to_thread.run_sync(lambda: lab.run(*words))
    await page.goto(lab.at("/agents"))
    row = page.get_by_role("article", name=name).get_by_role("row", name="sits")
    await expect(row).to_contain_text("running")
    await expect(row).to_contain_text("UTC")
    await look_at(page, "agents-held")
    item = lab.of_entity("GET", "/item?ref=sits")["item"]["id"]
    lab.of_entity("POST", f"/items/{item}/changes", {"kind": "stop", "now": True})
    await expect(row).to_have_count(0)


async def test_a_viewer_sees_no_button_that_changes_an_agent(
    stranger: Page, lab: Lab, name: str
) -> None:
    await lab.sign_in(stranger, "viewer")
    await stranger.goto(lab.at("/agents"))
    box = stranger.get_by_role("article", name=name)
    await expect(box).to_contain_text("0 of")
    await expect(box.get_by_role("button")).to_have_count(0)
    await expect(box.locator("summary")).to_have_count(0)


async def test_an_agent_that_is_drained_is_seen_to_end(page: Page, lab: Lab, name: str) -> None:
    await page.goto(lab.at("/agents"))
    box = page.get_by_role("article", name=name)
    await box.get_by_text("Drain", exact=True).click()
    await box.get_by_role("button", name=f"Drain {name}", exact=True).click()
    lab.wait(lambda: not lab.of_entity("GET", "/agents"))
    await expect(page.get_by_text("No agent was seen within a day")).to_be_visible()
    await look_at(page, "agents-none")
