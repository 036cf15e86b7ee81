"""The pages of jobs."""

import re

import httpx
import pytest

from ..browsing import Browser


def recipe(image: str) -> dict[str, object]:
    return {"recipe": {"source": {"kind": "image", "image": image}}}


def test_jobs_and_versions_are_shown_in_pages_that_lead_on(
    browser: Browser, client: httpx.Client, entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.store.jobs.PAGE", 2)
    for number in range(3):
        client.post("/jobs/many", json=recipe(f"image-{number}"))
    for name in ("a", "b"):
        client.post(f"/jobs/{name}", json=recipe("one"))

    def shown(path: str, pattern: str, lead: str) -> tuple[list[str], str]:
        page = browser.get(path).text
        more = re.search(rf'href="([^"]*after=[^"]*)">{lead}', page)
        return re.findall(pattern, page), more[1] if more else ""

    row = r'<th scope="row"><a href="[^"]*">(\w+)</a>'
    first, more = shown(f"/e/{entity}/jobs", row, "More")
    assert first == ["a", "b"]
    assert shown(more, row, "More") == (["many"], "")
    version = r"<li data-row><a [^>]*>(v\d)</a>"
    first, older = shown(f"/e/{entity}/jobs/many", version, "Older")
    assert first == ["v2", "v1"]
    assert shown(older, version, "Older") == (["v0"], "")
