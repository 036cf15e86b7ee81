"""Cases of W&B's behaviour, as parameters of tests."""

from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).parent / "data" / "wandb_cases.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["cases"]


def cases(start: str) -> list[Any]:
    """One parameter for each case whose id starts with *start*; there must be one."""
    found = [pytest.param(case, id=case["id"]) for case in CASES if case["id"].startswith(start)]
    assert found, start
    return found
