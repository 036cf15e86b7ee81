"""Signing in: with a token, or by a provider of identities."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from ..identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider
from .browsers import Watched
from .lab import ENTITY, Lab
from .screens import look_at


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as one:
        yield one


@pytest.fixture(scope="module")
def lab(provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A service at which people sign in by the provider."""
    folder: Path = tmp_path_factory.mktemp("lab")
    (folder / "client-secret").write_text(SECRET)
    lab = Lab(
        folder,
        LAUNCHKIT_SERVER_OIDC_ISSUER=provider.url,
        LAUNCHKIT_SERVER_OIDC_CLIENT_ID=CLIENT,
        LAUNCHKIT_SERVER_OIDC_CLIENT_SECRET_FILE=str(folder / "client-secret"),
    )
    with lab.server():
        yield lab


async def by_provider(page: Page, lab: Lab, name: str) -> None:
    await page.goto(f"{lab.url}/e/{ENTITY}/queues")
    await page.get_by_role("link", name="Sign in with").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Go on").click()


async def test_one_whom_the_provider_knows_comes_to_the_page_that_was_wanted(
    stranger: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("401", "Failed to fetch")  # what the page asks while it is left by signing out
    lab.call("POST", "/users", {"name": "ida@example", "kind": "user"})
    lab.of_entity("PUT", "/roles/ida@example", {"role": "viewer"})
    await by_provider(stranger, lab, "ida@example")
    await stranger.wait_for_url(lab.at("/queues"))
    await expect(stranger.get_by_text("ida@example")).to_be_visible()
    await stranger.get_by_role("button", name="Sign out").click()
    await expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    await look_at(stranger, "sign-in")


async def test_an_address_that_the_provider_may_not_have_verified_opens_no_account(
    stranger: Page, lab: Lab, provider: IdentityProvider, watch: Watched
) -> None:
    watch.allow("401")
    lab.call("POST", "/users", {"name": "eve@example", "kind": "user"})
    provider.unsaid = {"email_verified"}
    try:
        await by_provider(stranger, lab, "eve@example")
        await expect(stranger.get_by_role("alert")).to_contain_text("oidc-believes-addresses")
    finally:
        provider.unsaid = set()


async def test_one_without_an_account_is_told_who_adds_it(
    stranger: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("401")
    await by_provider(stranger, lab, "zoe@example")
    await expect(stranger.get_by_role("alert")).to_contain_text("launchkit user add zoe@example")
    await look_at(stranger, "sign-in-refused")


async def test_a_code_that_another_browser_was_given_signs_nobody_in(
    stranger: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("401")
    await stranger.goto(f"{lab.url}/sign-in/oidc/done?code=stolen&state=stolen")
    await expect(stranger.get_by_role("alert")).to_contain_text("did not begin in this browser")


async def test_a_session_that_is_over_is_told_in_the_open_page_which_leads_back_to_itself(
    stranger: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("401")
    lab.of_entity("POST", "/queues", {"name": "q", "resource": "local-process"})
    await lab.sign_in(stranger, "operator")
    here = lab.at("/queues/q?tab=config")
    await stranger.goto(here)
    await expect(stranger.get_by_role("button", name="Live", exact=True)).to_be_visible()
    await require_signed_out(stranger, lab)
    assert await stranger.get_by_role("link", name="Sign in again").get_attribute("href")
    await look_at(stranger, "signed-out")
    await stranger.get_by_role("link", name="Sign in again").click()
    await expect(stranger.get_by_text("Your session is over")).to_be_visible()
    await stranger.get_by_label("Token").fill(lab.token_of("operator"))
    await stranger.get_by_role("button", name="Sign in", exact=True).click()
    await stranger.wait_for_url(here)
    await expect(stranger.get_by_role("button", name="Live", exact=True)).to_be_visible()


async def test_a_form_that_is_sent_after_its_session_says_that_nothing_was_done(
    stranger: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("401")
    lab.of_entity("POST", "/queues", {"name": "paused", "resource": "local-process"})
    await lab.sign_in(stranger, "operator")
    await stranger.goto(lab.at("/new-queue"))
    await require_signed_out(stranger, lab)
    await stranger.get_by_role("textbox", name="Queue", exact=True).fill("late")
    await stranger.get_by_role("button", name="Parse configuration").click()
    await expect(stranger.get_by_role("textbox", name="Queue", exact=True)).to_have_value("late")
    await stranger.get_by_role("button", name="Create queue").click()
    await expect(stranger.get_by_text("What you sent was not done")).to_be_visible()
    await stranger.get_by_label("Token").fill(lab.token_of("operator"))
    await stranger.get_by_role("button", name="Sign in", exact=True).click()
    await stranger.wait_for_url(lab.at("/new-queue"))
    queue = stranger.get_by_role("textbox", name="Queue", exact=True)
    await expect(queue).to_have_value("late")
    assert "late" not in [one["queue"]["spec"]["name"] for one in lab.of_entity("GET", "/queues")]


async def require_signed_out(page: Page, lab: Lab) -> None:
    """End the sessions of the operator, and require that the open *page* says so."""
    for token in lab.call("GET", "/tokens"):
        if token["session"] and token["owner"] == "oli":
            lab.call("DELETE", f"/tokens/{token['id']}")
    lab.of_entity("POST", "/queues", {"name": uuid4().hex, "resource": "local-process"})
    await expect(page.get_by_role("alert")).to_contain_text("You are signed out")
    await expect(page.get_by_role("button", name="Signed out")).to_be_visible()


async def test_a_token_signs_in_there_too(stranger: Page, lab: Lab) -> None:
    await lab.sign_in(stranger, "admin")
    await expect(stranger.get_by_text("ana")).to_be_visible()
