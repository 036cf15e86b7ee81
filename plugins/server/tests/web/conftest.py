"""The web app as people use it: a real service, a real agent, a real browser."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from .browsers import Watched, chromium, watched
from .lab import Lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a browser looks at takes long."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    """One browser for the tests of a file: as long as an event loop is there for it, no test can
    begin one.
    """
    async with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A queue service in a process of its own, for the tests of a file."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    with lab.server():
        yield lab


@pytest.fixture
def watch() -> Iterator[Watched]:
    """Fails the test in which a page had an error that the test does not allow."""
    watch = Watched()
    yield watch
    assert not watch.unmeant, "\n".join(watch.unmeant)


@pytest.fixture
async def context(browser: Browser, watch: Watched) -> AsyncIterator[BrowserContext]:
    """The browser of a person who has not signed in."""
    async with watched(browser, watch) as one:
        yield one


@pytest.fixture
async def stranger(context: BrowserContext) -> Page:
    """A page of somebody who has not signed in."""
    return await context.new_page()


@pytest.fixture
async def page(stranger: Page, lab: Lab) -> Page:
    """A page of an administrator who has signed in."""
    await lab.sign_in(stranger, "admin")
    return stranger
