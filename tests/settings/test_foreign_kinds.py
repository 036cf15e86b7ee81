from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from jsonschema import Draft202012Validator

from launchkit.abc import Builder, Output, QueueBackend
from launchkit.builtin.local import LocalEnvironment
from launchkit.errors import ConfigError
from launchkit.hookspecs import hookimpl
from launchkit.model import BuildRequest, Image
from launchkit.plugins import Plugins
from launchkit.settings import load_settings, missing_components
from launchkit.settings.json_schema import settings_schema
from launchkit.testing import site_at


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
    with pytest.raises(ConfigError, match="there is no builder 'podmn'; did you mean 'podman'"):
        load_settings(path, plugins=plugins)


def test_a_backend_may_be_missing_too(tmp_path: Path, plugins: Plugins) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("backend: mysql://q.example.com\nrunners: {kubernetes: {namespace: jobs}}")
    settings = load_settings(path, plugins=plugins).settings
    texts = [str(error) for error in missing_components(settings, plugins)]
    assert [text.partition(";")[0] for text in texts] == ["there is no queue backend 'mysql'"]
    assert plugins.find(QueueBackend, "mysql") is None


@dataclass
class SomeCloud(LocalEnvironment):
    kind = "some-cloud"


@dataclass
class OtherCloud(LocalEnvironment):
    kind = "other-cloud"


async def test_a_component_gets_the_environment_that_it_needs_or_says_so(tmp_path: Path) -> None:
    asks = PodmanBuilder()
    async with site_at(tmp_path, environment=SomeCloud()) as site:
        assert isinstance(site.require(SomeCloud, asks), SomeCloud)
        with pytest.raises(ConfigError) as other:
            site.require(OtherCloud, asks)
    async with site_at(tmp_path) as site:
        with pytest.raises(ConfigError, match="builder podman needs environment"):
            site.require(SomeCloud, asks)
    assert str(other.value).endswith("needs environment: {type: other-cloud}, not some-cloud")


def test_a_key_that_a_kind_takes_and_does_nothing_with_is_told(
    tmp_path: Path, plugins: Plugins
) -> None:
    """W&B takes the keys of any builder for any, so that switching one off is one change."""
    path = tmp_path / "c.yaml"
    path.write_text("builder:\n  type: noop\n  kaniko-image: x\n  platform: linux/arm64\n")
    loaded = load_settings(path, environ={}, plugins=plugins)
    text = f"{path}:3: builder.kaniko-image: has no effect: builder noop does not have it"
    assert loaded.warnings == (text,)


@pytest.mark.parametrize("kind", ["local-process", "kubernetes"])
def test_a_runner_without_settings_is_as_one_that_is_not_there(
    tmp_path: Path, plugins: Plugins, kind: str
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"runners:\n  {kind}:\n")
    loaded = load_settings(path, environ={}, plugins=plugins)
    assert loaded.runner_problems == {}
    assert loaded.settings.runners == {kind: {}}
    assert Draft202012Validator(settings_schema(plugins)).is_valid({"runners": {kind: None}})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("policy: {secure-mode: 1}", "policy.secure-mode: unknown key; did you mean 'secure_mode'"),
        ("max-jobs: 3", "max-jobs: unknown key; did you mean 'max_jobs'"),
        ("builder: {type: podman, sokket-x: 3}", "builder.sokket-x: unknown key"),
        ("policy: 3", "policy: must be a mapping of rules, not 3"),
        ("runners: {podman: 3}\n", "runners.podman: there is no runner 'podman'"),
    ],
)  # fmt: skip
def test_what_is_suggested_is_never_the_word_that_was_written(
    tmp_path: Path, plugins: Plugins, text: str, problem: str
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_settings(path, environ={}, plugins=plugins)
    assert f"{path}:1: {problem}" in str(error.value)
