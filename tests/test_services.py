"""Services that are missing: on purpose, or because the machine does not have them."""

import os

import pytest
from docker_engine import Engine
from postgres import find_programs
from services import hidden, skip_if_hidden, skip_without


def test_what_this_test_run_hides_cannot_be_found() -> None:
    with Engine() as engine:
        assert "docker" not in hidden() or not ("DOCKER_HOST" in os.environ or engine.answers())
    assert "postgres" not in hidden() or find_programs() is None


def test_what_is_hidden_is_skipped_in_continuous_integration_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "1")
    monkeypatch.setenv("LAUNCHKIT_TESTS_WITHOUT", "docker")
    with pytest.raises(pytest.skip.Exception, match="docker is hidden"):
        skip_if_hidden("docker")
    skip_if_hidden("postgres")


def test_what_is_missing_is_skipped_but_not_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="a thing"):
        skip_without("a thing")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(AssertionError, match="a thing"):
        skip_without("a thing")


def test_a_service_that_is_not_known_cannot_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUNCHKIT_TESTS_WITHOUT", "docker,dokcer")
    with pytest.raises(AssertionError, match="dokcer"):
        hidden()
