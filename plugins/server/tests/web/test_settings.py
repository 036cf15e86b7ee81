"""Accounts, roles and tokens in the browser, and the record of who changed them."""

import pytest
from playwright.async_api import Page, expect

from .browsers import Watched
from .lab import Lab
from .screens import look_at


@pytest.fixture(scope="module", autouse=True)
def filled(lab: Lab) -> None:
    """A queue, so that there is an entity."""
    lab.of_entity("POST", "/queues", {"name": "train", "resource": "local-process"})


async def test_a_person_is_added_gets_a_role_and_a_token_and_signs_in(page: Page, lab: Lab) -> None:
    await page.goto(f"{lab.url}/settings")
    await page.get_by_label("Name", exact=True).fill("zoe@example")
    await page.get_by_role("button", name="Add account").click()
    await expect(page.get_by_role("row", name="zoe@example")).to_contain_text("none")
    await look_at(page, "settings-users")
    await page.get_by_role("link", name="Roles", exact=True).click()
    await page.get_by_label("Account", exact=True).select_option("zoe@example")
    await page.get_by_label("Role", exact=True).select_option("viewer")
    await page.get_by_role("combobox", name="Entity").last.fill("lab")
    await page.get_by_role("button", name="Grant role").click()
    await expect(page.get_by_role("row", name="zoe@example")).to_contain_text("viewer")
    await look_at(page, "settings-roles")
    await page.get_by_role("link", name="Tokens", exact=True).click()
    await page.get_by_label("Account", exact=True).select_option("zoe@example")
    await page.get_by_role("button", name="Make token", exact=True).click()
    secret = await page.locator("#secret").inner_text()
    assert [one["role"] for one in lab.call("GET", "/entities", token=secret)] == ["viewer"]
    await look_at(page, "settings-tokens")
    many = await page.locator("tr[data-row]").count()
    await page.reload()
    await expect(page.get_by_text("Its secret was shown once")).to_be_visible()
    await expect(page.locator("#secret")).to_have_count(0)
    await expect(page.locator("tr[data-row]")).to_have_count(many)


async def test_a_token_that_is_revoked_counts_no_more(page: Page, lab: Lab) -> None:
    lab.call("POST", "/users", {"name": "old", "kind": "service"})
    made = lab.call("POST", "/tokens", {"owner": "old"})["token"]
    await page.goto(f"{lab.url}/settings/tokens")
    await page.get_by_role("button", name=f"Revoke token {made['id']}").click()
    await expect(page.get_by_role("button", name=f"Revoke token {made['id']}")).to_have_count(0)
    await page.get_by_role("link", name="which count no more").click()
    await expect(page.get_by_role("row", name=made["id"])).to_contain_text("revoked")
    await page.goto(f"{lab.url}/settings/audit")
    await expect(page.get_by_role("row", name=f"revoked token {made['id']}")).to_contain_text("ana")
    await look_at(page, "audit")


async def test_the_token_of_an_agent_is_bound_to_its_queues(
    page: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("422")
    await page.goto(f"{lab.url}/settings/tokens")
    await page.get_by_label("Agent", exact=True).fill("box")
    await page.get_by_label("Queues", exact=True).fill("train, none")
    await page.get_by_role("button", name="Make agent's token").click()
    await expect(page.get_by_role("alert")).to_contain_text("none")
    await page.get_by_label("Agent", exact=True).fill("box")
    await page.get_by_label("Queues", exact=True).fill("train")
    await page.get_by_role("button", name="Make agent's token").click()
    await expect(page.get_by_role("row", name="agent:box")).to_contain_text("train in lab")


async def test_a_viewer_sees_only_what_he_is(stranger: Page, lab: Lab, watch: Watched) -> None:
    watch.allow("403")
    await lab.sign_in(stranger, "viewer")
    await stranger.goto(f"{lab.url}/settings")
    await expect(stranger.get_by_role("region", name="vic")).to_contain_text("viewer")
    await look_at(stranger, "settings-own")
    await stranger.goto(f"{lab.url}/settings/users")
    await expect(stranger.get_by_role("alert")).to_contain_text("this needs admin")


@pytest.mark.parametrize(("seen", "other"), [("light", "dark"), ("dark", "light")])
async def test_the_first_press_of_the_theme_button_is_seen(
    page: Page, lab: Lab, seen: str, other: str
) -> None:
    await page.emulate_media(color_scheme=seen)  # type: ignore[arg-type] # literal
    await page.goto(lab.at())
    button = page.get_by_role("button", name="Theme: system")
    await button.click()
    await expect(page.locator("html")).to_have_attribute("data-theme", other)
    await page.get_by_role("button", name=f"Theme: {other}").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", seen)
