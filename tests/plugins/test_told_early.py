"""What a plugin needs is told before anything is launched, with the place where it is missing."""

from pathlib import Path

import pytest
from cli.conftest import Program, program

from launchkit.cli.config import settings_data
from launchkit.errors import ConfigError
from launchkit.plugins import Plugins
from launchkit.settings import load_settings

from .conftest import Install

__all__ = ["program"]

ORBIT = """
from dataclasses import dataclass
from launchkit.abc import Registry, Runner
from launchkit.errors import Rejected
from launchkit.hookspecs import hookimpl
from launchkit.model import Secret

@dataclass(kw_only=True)
class OrbitRunner(Runner):
    kind = "orbit"
    aliases = ("ellipse",)
    token: Secret | None = None

    @classmethod
    def check_args(cls, args):
        if "height" not in args:
            raise Rejected("resource_args.height: this key is required")

    async def submit(self, submission):
        raise AssertionError

@dataclass(kw_only=True)
class OrbitRegistry(Registry):
    kind = "orbit"
    hosts = ("[a-z]+[.]orbit[.]example",)
    uri: str
    station: str

    def image_ref(self, tag):
        return tag

    async def exists(self, ref):
        return False

@hookimpl
def launchkit_runners():
    return [OrbitRunner]

@hookimpl
def launchkit_registries():
    return [OrbitRegistry]
"""


@pytest.fixture(autouse=True)
def _installed(install: Install) -> None:
    install("orbit", ORBIT)


@pytest.mark.parametrize("kind", ["orbit", "ellipse"])
def test_a_queue_that_cannot_do_without_a_config_is_not_made_without_one(
    program: Program, kind: str
) -> None:
    program("store", "migrate")
    said = program("queue", "create", "q", "-r", kind, code=4).stderr
    assert f"a queue of {kind} needs a config" in said
    assert "height: this key is required" in said
    assert f"hint: launchkit queue template {kind} prints one to edit" in said
    assert program.data("queue", "list") == []


def test_a_key_that_is_missing_is_told_with_the_file(program: Program) -> None:
    config = program.file("c.yaml", "# nothing\nweight: 3\n")
    said = program("queue", "create", "q", "-r", "orbit", "--config", config, code=4).stderr
    assert "c.yaml:2: height: this key is required" in said


def test_the_registry_that_a_destination_stands_for_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("builder:\n  type: noop\n  destination: https://sea.orbit.example/jobs\n")
    with pytest.raises(ConfigError) as error:
        load_settings(path, environ={}, plugins=Plugins())
    assert str(error.value) == (
        f"{path}:3: builder.destination: stands for registry orbit: station: this key is required"
    )
    path.write_text(
        "builder: {type: noop, destination: https://sea.orbit.example/jobs}\n"
        "registry: {type: orbit, uri: sea.orbit.example/jobs, station: mir}\n"
    )
    assert load_settings(path, environ={}, plugins=Plugins()).settings.registry


def test_a_destination_that_two_registries_answer_for_is_told(
    install: Install, tmp_path: Path
) -> None:
    install("ellipse", ORBIT.replace('"orbit"', '"ellipse"').replace('"ellipse",)', '"oval",)'))
    path = tmp_path / "c.yaml"
    path.write_text("builder:\n  type: noop\n  destination: sea.orbit.example/jobs\n")
    with pytest.raises(ConfigError) as error:
        load_settings(path, environ={}, plugins=Plugins())
    told = str(error.value)
    assert f"{path}:3: builder.destination: sea.orbit.example/jobs: more than one registry" in told
    assert "orbit of plugin orbit (launchkit-orbit 1.2)" in told
    assert "ellipse of plugin ellipse (launchkit-ellipse 1.2)" in told
    path.write_text(
        "builder: {type: noop, destination: sea.orbit.example/jobs}\n"
        "registry: {type: orbit, uri: sea.orbit.example/jobs, station: mir}\n"
    )
    assert load_settings(path, environ={}, plugins=Plugins()).settings.registry


def test_a_secret_under_two_names_of_a_runner_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("runners:\n  orbit: {token: hidden}\n  ellipse: {token: hidden}\n")
    loaded = load_settings(path, environ={}, plugins=Plugins())
    assert {*loaded.runner_problems} == {"orbit", "ellipse"}
    assert "hidden" not in str(settings_data(loaded))
