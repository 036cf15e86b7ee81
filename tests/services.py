"""What tests need beside Python: a machine may lack it, and a test run may hide it on purpose.

In continuous integration everything is installed, so what is missing there is an error, unless
`LAUNCHKIT_TESTS_WITHOUT` names it: that run looks at how things are without it.
"""

import os
from typing import NoReturn

import pytest

CAN_BE_HIDDEN = frozenset({"chromium", "docker", "kubernetes", "postgres"})


def hidden() -> frozenset[str]:
    """The services that this test run hides."""
    names = frozenset(filter(None, os.environ.get("LAUNCHKIT_TESTS_WITHOUT", "").split(",")))
    assert names <= CAN_BE_HIDDEN, f"LAUNCHKIT_TESTS_WITHOUT: unknown: {names - CAN_BE_HIDDEN}"
    return names


def skip_if_hidden(service: str) -> None:
    """Skip a test that needs *service*, which may be there all the same."""
    if service in hidden():
        pytest.skip(f"{service} is hidden from this test run")


def skip_without(what: str) -> NoReturn:
    """Skip a test for which something is missing; in continuous integration it fails."""
    assert "CI" not in os.environ, f"missing: {what}"
    pytest.skip(f"missing: {what}")
