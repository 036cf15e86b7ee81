"""What the page on the architecture says of layers is what the tools look at."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "architecture.md"


def test_the_layers_of_the_page_are_those_that_imports_are_held_to() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (one["layers"] for one in contracts["contracts"] if one["type"] == "layers")
    held = [{*layer.replace("launchkit.", "").split(" | ")} for layer in layers]
    block = PAGE.read_text().partition("```text\n")[2].partition("```")[0]
    told = re.findall(r"^(\w+(?: \| \w+)*)(?: {2,}|$)", block, re.MULTILINE)
    assert [{*names.split(" | ")} for names in told] == held
