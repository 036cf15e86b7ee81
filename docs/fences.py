"""For mkdocs: the words after a fence's language are for the tests; readers see the block."""

import re
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leave the language only, as Python-Markdown reads no other words."""
    return re.sub(r"^```(\w+) .*$", r"```\1", markdown, flags=re.MULTILINE)
