"""What the tests of the web app rest on: a fault in a page is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from playwright.async_api import Browser
from served import answered_by

from .browsers import Watched, watched
from .screens import look_at

POLICY = "default-src 'none'; script-src 'self'"


@contextmanager
def _site(html: str) -> Iterator[str]:
    """The URL of a page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    with answered_by(Handler) as host:
        yield f"http://{host}/"


async def _visited(browser: Browser, html: str) -> Watched:
    watch = Watched()
    with _site(html) as url:
        async with watched(browser, watch) as context:
            await (await context.new_page()).goto(url)
    return watch


async def test_a_style_that_the_policy_forbids_is_a_fault(browser: Browser) -> None:
    watch = await _visited(browser, "<!doctype html><title>x</title><p style='color: red'>x")
    assert any("content security policy: style-src" in one for one in watch.unmeant)


async def test_a_file_that_is_not_there_is_a_fault_unless_it_is_allowed(browser: Browser) -> None:
    watch = await _visited(
        browser, "<!doctype html><title>x</title><script src='/none.js'></script>"
    )
    assert any("404" in one for one in watch.unmeant)
    watch.allow("404")
    watch.allow("MIME")
    assert not watch.unmeant


@pytest.mark.parametrize(
    ("html", "fault"),
    [("<input>", "label"), (f"<p>{'x' * 100}", "narrow: the page is")],
    ids=["a field without a label", "what is wider than a telephone"],
)
async def test_a_screen_is_refused_that_has(
    browser: Browser, watch: Watched, html: str, fault: str
) -> None:
    with _site(f"<!doctype html><html lang=en><title>x</title><main><h1>x</h1>{html}") as url:
        async with watched(browser, watch) as context:
            page = await context.new_page()
            await page.goto(url)
            with pytest.raises(AssertionError, match=fault):
                await look_at(page, "refused")
