"""Of those who sign in by a provider, so many are under way at once."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from launchkit_server.door import Door
from launchkit_server.oidc.provider import Provider
from launchkit_server.oidc.settings import OidcSettings
from launchkit_server.rates import place_of
from launchkit_server.shares import ALL_EXCHANGES, EXCHANGES

from .browsing import Browser
from .conftest import Served, served_with
from .identity_provider import CLIENT, IdentityProvider, identity_provider

HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def there() -> Iterator[IdentityProvider]:
    with identity_provider() as one:
        yield one


@pytest.fixture(scope="module")
def served(there: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    provider = Provider(OidcSettings(issuer=there.url, client_id=CLIENT))
    with served_with(Door(), tmp_path_factory.mktemp("served"), oidc=provider) as served:
        yield served


def under_way(served: Served, places: list[str]) -> ExitStack:
    """As many exchanges as there are *places*, each of which has asked for one."""
    stack = ExitStack()
    for place in places:
        stack.enter_context(served.service.exchanges.of(place_of(place)))
    return stack


def is_told(answer: httpx.Response, why: str) -> bool:
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), answer.text
    return why in answer.text


@pytest.mark.parametrize("path", ["/sign-in/oidc", "/sign-in/oidc/done"])
def test_an_address_that_signs_in_very_often_at_once_is_told_before_the_provider_is_asked(
    served: Served, path: str
) -> None:
    with Browser(served) as browser:
        with under_way(served, [HERE] * EXCHANGES):
            assert is_told(browser.get(path), f"{EXCHANGES} sign-ins by the provider of yours")
            assert browser.get("/sign-in").is_success
        assert browser.get(path).status_code in {303, 401}
        with under_way(served, ["10.0.0.1"] * EXCHANGES):
            assert browser.get(path).status_code in {303, 401}, "others have their own"


def test_of_all_addresses_so_many_sign_in_at_once(served: Served) -> None:
    with Browser(served) as browser:
        with under_way(served, [f"10.0.0.{one}" for one in range(ALL_EXCHANGES)]):
            assert is_told(browser.get("/sign-in/oidc/done"), f"{ALL_EXCHANGES} sign-ins by")
        assert browser.get("/sign-in/oidc/done").status_code == 401
