"""Paths with `~`, also of people who are not there."""

from pathlib import Path

import pytest

from launchkit.errors import ConfigError
from launchkit.home import expanded
from launchkit.plugins import Plugins
from launchkit.settings import load_settings


def test_a_path_may_begin_with_the_home_of_this_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert expanded("~/x") == Path("/home/ann/x")
    assert expanded(Path("a/~")) == Path("a/~")


def test_the_home_of_nobody_is_not_found_and_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "launch-config.yaml"
    file.write_text("state_dir: ~nobody-is-called-so/x\n")
    settings = load_settings(file, environ={}, plugins=Plugins(environ={})).settings
    assert settings.state_dir == Path("~nobody-is-called-so/x").absolute()


def test_a_path_with_a_nul_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "launch-config.yaml"
    file.write_text('state_dir: "a\\0b"\n')
    with pytest.raises(ConfigError, match="NUL"):
        load_settings(file, environ={}, plugins=Plugins(environ={}))
