"""The kinds of runners that are installed at the service."""

import pytest
from launchkit_server import kinds

from launchkit.errors import PluginError


def test_plugins_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = kinds.installed()
    one = kinds.kind_of("local-process")
    assert one in first
    monkeypatch.delattr(kinds, "Plugins")
    assert kinds.installed() is first
    assert kinds.kind_of("local-process") is one


def test_a_kind_that_is_not_installed_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(PluginError, match="there is no runner 'locl-process'"):
            kinds.kind_of("locl-process")
