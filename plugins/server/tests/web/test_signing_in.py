"""Signing in: with a token, or by a provider of identities."""

from collections.abc import Iterator
from pathlib import Path

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
    stranger: Page, lab: Lab
) -> None:
    lab.call("POST", "/users", {"name": "ida@example", "kind": "user"})
    lab.of_entity("PUT", "/roles/ida@example", {"role": "viewer"})
    await by_provider(stranger, lab, "ida@example")
    await stranger.wait_for_url(lab.at("/queues"))
    await expect(stranger.get_by_text("ida@example")).to_be_visible()
    await stranger.get_by_role("button", name="Sign out").click()
    await expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    await look_at(stranger, "sign-in")


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


async def test_a_token_signs_in_there_too(stranger: Page, lab: Lab) -> None:
    await lab.sign_in(stranger, "admin")
    await expect(stranger.get_by_text("ana")).to_be_visible()
