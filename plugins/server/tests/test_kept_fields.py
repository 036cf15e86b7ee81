"""What a browser keeps of what is written into the fields of pages."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

TEMPLATES = Path(str(files("launchkit_server.web").joinpath("templates")))
PAGES = sorted(str(one.relative_to(TEMPLATES)) for one in TEMPLATES.rglob("*.html"))
PARTS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
"""What a template has that is no HTML."""
UNWRITTEN = {"hidden", "checkbox", "radio"}
TOKEN = "token"


class _Fields(HTMLParser):
    """Finds the fields of which a browser keeps what is written into them."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str | None] = []
        self._form_is_kept = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        kept = said.get("autocomplete") != "off"
        if tag == "form":
            self._form_is_kept = kept
        elif tag == "input" and said.get("type") not in UNWRITTEN and kept and self._form_is_kept:
            self.kept.append(said.get("id"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form_is_kept = True


@pytest.mark.parametrize("page", PAGES)
def test_a_browser_keeps_nothing_of_what_is_written_into_a_page_but_the_token(page: str) -> None:
    fields = _Fields()
    fields.feed(PARTS.sub("", (TEMPLATES / page).read_text("utf-8")))
    assert fields.kept == ([TOKEN] if page == "sign-in.html" else [])
