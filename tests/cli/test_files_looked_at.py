"""A file that cannot be looked at keeps none of the others from being told of by doctor."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
from cli.conftest import Program
from rights import like_others

from launchkit.abc import Environment
from launchkit.agent.checkup import files_of_user
from launchkit.builtin.git_logins import login_files
from launchkit.hookspecs import hookimpl
from launchkit.plugins import Plugins
from launchkit.wide_files import wide_secrets

HEADER = "[http]\n\textraHeader = X: hush\n"
KEY = "-----BEGIN PRIVATE KEY-----\n"


@dataclass(kw_only=True)
class Cloud(Environment):
    """One that says without any settings where its programs keep logins."""

    kind: ClassVar[str] = "cloud"
    place: str

    async def upload(self, source: Path, uri: str) -> None:
        raise NotImplementedError

    @classmethod
    def user_files(cls) -> Mapping[Path, str]:
        return {Path(os.environ["HOME"]) / "login": "a login to a cloud"}


@dataclass(kw_only=True)
class Broken(Cloud):
    """One that cannot say so."""

    kind: ClassVar[str] = "broken"

    @classmethod
    def user_files(cls) -> Mapping[Path, str]:
        raise KeyError("nowhere")


@hookimpl
def launchkit_environments() -> Sequence[type[Environment]]:
    return [Broken, Cloud]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    for name in ("DOCKER_CONFIG", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    return path


def open_file(path: Path, text: str = "hush") -> Path:
    """A file that everybody may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    "odd", ["a\0b", "\ud800", "x" * 300, "loop", "login/x", "closed/x", "away"]
)
def test_a_name_that_cannot_be_looked_at_hides_no_file(home: Path, odd: str) -> None:
    login = open_file(home / "login")
    (home / "loop").symlink_to("loop")
    (home / "away").symlink_to("gone")
    (home / "closed").mkdir(0o000)
    with like_others():
        found = wide_secrets({home / odd: "a token", login: "a token"}, "x")
    assert [one.hint for one in found] == [f"chmod 600 {login}"]


def test_a_directory_before_one_that_cannot_be_looked_at_is_told(home: Path) -> None:
    wide = home / "wide"
    (wide / "closed" / "in").mkdir(parents=True)
    (wide / "link").symlink_to("closed/in/file")
    (wide / "closed" / "in" / "file").touch(0o600)
    wide.chmod(0o777)
    found = wide_secrets({wide / "link": "a token"}, "x")
    assert [one.hint for one in found] == [f"chmod o-w {wide}"]


def test_a_class_that_fails_hides_no_files_of_another(home: Path) -> None:
    login = open_file(home / "login")
    plugin = ModuleType("clouds")
    plugin.__dict__["launchkit_environments"] = launchkit_environments
    found = {one.subject: one for one in files_of_user(Plugins(plugin, entry_points=False))}
    assert found["environment cloud"].hint == f"chmod 600 {login}"
    assert found["environment broken"].level == "warning"
    assert "KeyError" in found["environment broken"].message


def test_settings_with_an_error_hide_no_logins(program: Program, home: Path) -> None:
    docker = open_file(home / ".docker" / "config.json", "{")
    config = program.file("c.yaml", "entity: [")
    rows = program.data("--config", config, "doctor", code=1)
    assert f"chmod 600 {docker}" in [row["hint"] for row in rows]


@pytest.mark.parametrize(
    "wrong", ["[core\n", "[include]\n\tpath = ~/loop\n", "[include]\n\tpath = ~/broken\n"]
)
def test_settings_of_git_that_it_cannot_read_hide_no_others(home: Path, wrong: str) -> None:
    (home / "loop").symlink_to("loop")
    (home / "broken").write_text("[user]\n\tname\n[")
    store = "[credential]\n\thelper = store --file=~/kept\n[include]\n\tpath = ../../more\n"
    other = open_file(home / ".config" / "git" / "config", store + HEADER)
    more = open_file(home / "more", HEADER)
    open_file(home / ".gitconfig", wrong)
    assert {other, home / "kept", other.parent / "../../more"} <= login_files({}).keys()
    assert more.samefile(other.parent / "../../more")


def test_settings_that_include_each_other_end_beside_some_that_are_wrong(home: Path) -> None:
    open_file(home / ".gitconfig", f"[include]\n\tpath = .gitconfig\n\tpath = wrong\n{HEADER}")
    open_file(home / "wrong", "[core")
    assert {home / ".gitconfig", home / "wrong"} <= login_files({}).keys()


def test_a_setting_of_git_that_means_no_file_hides_no_others(home: Path) -> None:
    open_file(
        home / ".gitconfig",
        "[credential]\n\thelper = store --file=~nobody-here/x\n\thelper = store --file=~/kept\n",
    )
    assert home / "kept" in login_files({})


BY_NUMBER = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "credential.helper"}


@pytest.mark.parametrize(
    "environ",
    [
        {**BY_NUMBER, "GIT_CONFIG_VALUE_0": "store --file=~/kept"},
        {"GIT_CONFIG_PARAMETERS": "'credential.helper'='store --file=~/kept'"},
        {**BY_NUMBER, "GIT_CONFIG_KEY_0": "include.path", "GIT_CONFIG_VALUE_0": "~/more"},
    ],
    ids=["numbered", "parameters", "included"],
)
def test_settings_of_git_in_variables_are_known(home: Path, environ: dict[str, str]) -> None:
    more = open_file(home / "more", f"[credential]\n\thelper = store --file=~/kept\n{HEADER}")
    assert home / "kept" in login_files(environ)
    assert home / "kept" in login_files({**environ, "GIT_CONFIG": os.devnull})
    assert (more in login_files(environ)) is ("include.path" in environ.values())
    open_file(home / ".gitconfig", "[core\n")
    assert {home / ".gitconfig", home / "kept"} <= login_files(environ).keys()


def test_a_file_that_a_shell_has_to_work_out_is_taken_for_no_other(home: Path) -> None:
    lines = ["store --file=${UNSET:-/x}", "store --file $(pwd)/x", "store --file=`pwd`", "store"]
    settings = "".join(f"\thelper = {line}\n" for line in [*lines, "store --file="])
    open_file(home / ".gitconfig", f"[credential]\n{settings}")
    plain = login_files({"GIT_CONFIG_GLOBAL": os.devnull})
    assert login_files({}).keys() == plain.keys()
    function = r"!f() { git credential-store --file=$UNSET${HOME}/kept; }; f"
    open_file(home / ".gitconfig", f'[credential]\n\thelper = "{function}"\n')
    assert login_files({}).keys() == {*plain, home / "kept"}


def test_settings_whose_name_is_no_text_are_known(home: Path) -> None:
    named = os.fsdecode(b"caf\xe9")
    open_file(home / named, HEADER)
    (home / ".gitconfig").write_bytes(b"[include]\n\tpath = caf\xe9\n")
    assert home / named in login_files({})


def test_what_may_not_be_looked_at_hides_no_key(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(0o000)
    key = open_file(home / ".ssh" / "key", KEY)
    (home / ".ssh" / "a").symlink_to(closed / "in")
    with like_others():
        assert key in login_files({})
