"""Looking at a screen as each person does: light and dark, wide and narrow, and by its outline."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page

from .browsers import NARROW, WIDE

HEIGHT = 900
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules whose outcome differs between the themes."""


def editor(page: Page, name: str) -> Locator:
    """An editor, once it has taken the place of its field: one who clicks into the field before
    that waits for it in vain.
    """
    return page.locator(".editor").get_by_role("textbox", name=name)


async def look_at(page: Page, name: str) -> None:
    """Require that the screen is accessible and fits, in both themes and widths. A picture of each
    is kept in the folder that `LAUNCHKIT_SCREENSHOTS` names.
    """
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type] # literal
        for word, width in (("wide", WIDE), ("narrow", NARROW)):
            await page.set_viewport_size({"width": width, "height": HEIGHT})
            await _keep(page, f"{name}-{theme}-{word}")
            await _require_fit(page, f"{name}, {word}")
        await _require_accessible(page, f"{name}, {theme}", COLOURS if theme == "dark" else {})
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await page.set_viewport_size({"width": WIDE, "height": HEIGHT})


async def _keep(page: Page, name: str) -> None:
    if folder := os.environ.get("LAUNCHKIT_SCREENSHOTS"):
        await page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


async def _require_fit(page: Page, what: str) -> None:
    wide = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0, f"{what}: the page is {wide} pixels wider than the window"


async def _require_accessible(page: Page, what: str, rules: Mapping[str, Any]) -> None:
    found = await Axe().run(page, options={"resultTypes": ["violations"], **rules})
    assert not found.violations_count, f"{what}: {found.response['violations']}"
