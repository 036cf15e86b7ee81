from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from launchkit.abc import Builder, Output, QueueBackend, Runner
from launchkit.errors import ConfigError
from launchkit.hookspecs import hookimpl
from launchkit.model import BuildRequest, Image
from launchkit.plugins import Plugins
from launchkit.settings import load_settings, missing_components


@dataclass
class PodmanBuilder(Builder):
    """Builds nothing, but has a setting of its own."""

    kind = "podman"
    socket: str = "/run/podman.sock"

    async def build(self, request: BuildRequest, out: Output) -> Image:
        return Image(ref=f"{request.destination}:x")


@pytest.fixture
def plugins() -> Plugins:
    module = ModuleType("podman_plugin")

    @hookimpl
    def launchkit_builders() -> Sequence[type[Builder]]:
        return [PodmanBuilder]

    module.launchkit_builders = launchkit_builders  # type: ignore[attr-defined] # made at run time
    return Plugins(module, entry_points=False)


def test_an_installed_plugins_kind_may_have_keys_of_its_own(
    tmp_path: Path, plugins: Plugins
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("builder: {type: podman, socket: /s, destination: 'https://h.io/r'}")
    builder = load_settings(path, plugins=plugins).settings.builder
    assert builder is not None
    assert builder.destination == "h.io/r"
    assert builder.options() == {"socket": "/s"}


def test_a_kind_near_an_installed_one_is_suggested(tmp_path: Path, plugins: Plugins) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("builder: {type: podmn}")
    with pytest.raises(ConfigError, match="there is no 'podmn'; did you mean 'podman'"):
        load_settings(path, plugins=plugins)


def test_runners_and_backends_may_be_missing_too(tmp_path: Path, plugins: Plugins) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("backend: https://q.example.com\nrunners: {kubernetes: {namespace: jobs}}")
    settings = load_settings(path, plugins=plugins).settings
    texts = [str(error) for error in missing_components(settings, plugins)]
    assert "runner 'kubernetes' is not installed" in texts
    assert "queue backend 'https' is not installed" in texts
    assert not {"kubernetes"} & plugins.classes(Runner).keys()
    assert "https" not in plugins.classes(QueueBackend)
