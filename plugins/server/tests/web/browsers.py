"""A real Chromium, and pages that remember what went wrong in them."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect
from playwright.async_api import async_playwright as playwright
from services import skip_if_hidden, skip_without

NAMES = ("chromium-headless-shell", "chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TELL_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', violation =>
  tellViolation(`${violation.effectiveDirective}: ${violation.blockedURI} ${violation.sample}`))
"""
GAVE_WAY = ("htmx:afterRequest,", "htmx:sendAbort,")
"""What htmx says of a request that gave way to a newer one; one that failed is also a sendError."""
WIDE, NARROW = 1440, 390
SECONDS = 60
"""How long a page may take to show what it must."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser that `LAUNCHKIT_CHROMIUM` names, or one of Debian's packages: rather that without
    windows to draw, which takes half the time.
    """
    skip_if_hidden("chromium")
    named = (os.environ.get("LAUNCHKIT_CHROMIUM"), *map(shutil.which, NAMES))
    path = next(filter(None, named), None)
    if path is None:
        skip_without("Chromium")
    async with playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watched:
    """What went wrong in the pages of a context, and what of it was meant to."""

    faults: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, *texts: str) -> None:
        """Faults in which one of *texts* stands are meant."""
        self.allowed += texts

    @property
    def unmeant(self) -> list[str]:
        """The faults that nothing allows."""
        return [one for one in self.faults if not any(text in one for text in self.allowed)]

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(GAVE_WAY):
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def broken(self, error: Error) -> None:
        self.faults.append(f"script: {error.message}")

    def violation(self, _source: Any, text: str) -> None:
        self.faults.append(f"content security policy: {text}")

    def watch(self, page: Page) -> None:
        page.on("console", self.console)
        page.on("pageerror", self.broken)


@asynccontextmanager
async def watched(
    browser: Browser, watch: Watched, **options: Any
) -> AsyncIterator[BrowserContext]:
    """A person's browser: cookies of its own, and pages in which *watch* sees what goes wrong."""
    options = {"viewport": {"width": WIDE, "height": 900}, "reduced_motion": "reduce", **options}
    context = await browser.new_context(**options)
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    context.on("page", watch.watch)
    await context.expose_binding("tellViolation", watch.violation)
    await context.add_init_script(TELL_VIOLATIONS)
    try:
        yield context
    finally:
        await context.close()
