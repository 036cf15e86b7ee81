"""Changes that are not committed are told, and no setting of the repository is heeded for that."""

import os
import subprocess
from pathlib import Path

import pytest
from sources.conftest import Repository, source

from launchkit.builtin.git import GitFetcher
from launchkit.model import GitSource

HOOKS = ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman")
PROGRAM = "#!/bin/sh\necho {name} >> {begun}\ncat\n"


async def pinned(wanted: GitSource) -> GitSource:
    found = await GitFetcher().pin(wanted)
    assert isinstance(found, GitSource)
    return found


async def test_changes_that_are_not_committed_are_told_with_their_number(
    repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    repository.commit({"a": "1", "b": "1"})
    await pinned(source(repository))
    assert not caplog.messages
    (repository.path / "a").write_text("2")
    await pinned(source(repository))
    assert "uncommitted changes, in 1 file, are not launched" in caplog.text
    for name in "abc":
        (repository.path / name).write_text("2")
    caplog.clear()
    await pinned(source(repository))
    (told,) = caplog.messages
    assert "uncommitted changes, in 3 files, are not launched" in told
    assert told.endswith(f"-u {repository.path}")


async def test_what_the_repository_ignores_is_no_change(
    repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    (repository.path / ".git" / "info").mkdir(exist_ok=True)
    (repository.path / ".git" / "info" / "exclude").write_text("*.log\n")
    (repository.path / "a.log").touch()
    await pinned(source(repository))
    assert not caplog.messages


@pytest.mark.parametrize("kind", ["a worktree", "sha256"])
async def test_changes_are_told_of_each_kind_of_repository(
    repository: Repository, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    place = tmp_path / "other"
    if kind == "sha256":
        subprocess.run(["git", "init", "-q", "--object-format=sha256", place], check=True)
        repository.path = place
        repository.commit({"train.py": "1"})
    else:
        repository.git("worktree", "add", "-q", str(place))
    await pinned(GitSource(remote=f"file://{place}"))
    assert not caplog.messages
    (place / "train.py").write_text("2")
    await pinned(GitSource(remote=f"file://{place}"))
    assert "uncommitted changes, in 1 file, are" in caplog.text


@pytest.mark.parametrize("whose", ["the repository's", "its submodule's"])
async def test_nothing_that_a_repository_brings_begins_a_program_when_changes_are_told(
    repository: Repository, tmp_path: Path, caplog: pytest.LogCaptureFixture, whose: str
) -> None:
    repository.commit({".gitattributes": "* filter=of diff=of merge=of\n", "a": "1"})
    top = repository.path
    if whose == "its submodule's":
        outer = Repository(tmp_path / "outer")
        outer.git("submodule", "--quiet", "add", repository.url, "lib")
        outer.commit({"a": "1"})
        repository.url, top = outer.url, outer.path / "lib"
    hostile(top, tmp_path)
    before = (top / "a").stat()
    (top / "a").write_text("2")  # as long as it was: git has to read it
    os.utime(top / "a", ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    (top / "new").touch()
    await pinned(source(repository))
    assert not (tmp_path / "begun").exists()
    assert ("in 3 files" in caplog.text) is (whose == "the repository's")


def hostile(top: Path, folder: Path) -> None:
    """Have each setting that names a program, and each hook, begin one."""
    hooks = top / "hooks"
    hooks.mkdir()
    for name in (*HOOKS, "program"):
        (hooks / name).write_text(PROGRAM.format(name=name, begun=folder / "begun"))
        (hooks / name).chmod(0o755)
    for name in (
        *("core.fsmonitor", "core.pager", "pager.status", "core.sshCommand", "core.editor"),
        *("filter.of.clean", "filter.of.smudge", "filter.of.process", "diff.of.command"),
        *("diff.of.textconv", "diff.external", "merge.of.driver", "core.alternateRefsCommand"),
        *("uploadpack.packObjectsHook", "credential.helper", "gpg.program"),
    ):
        setting = ["git", "config", name, f"{hooks}/program"]
        subprocess.run(setting, cwd=top, check=True)
    subprocess.run(["git", "config", "core.hooksPath", str(hooks)], cwd=top, check=True)


async def test_hooks_that_a_user_has_in_the_code_of_each_repository_are_none_to_launchkit(
    repository: Repository, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = {f"hooks/{name}": PROGRAM.format(name=name, begun=tmp_path / "begun") for name in HOOKS}
    repository.commit(hooks)
    for name in hooks:
        (repository.path / name).chmod(0o755)
    repository.commit({})
    (tmp_path / "settings").write_text("[core]\n\thooksPath = hooks\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    found = await pinned(source(repository))
    await GitFetcher().fetch(found, into)
    assert (into / "hooks" / "post-checkout").exists()
    assert not (tmp_path / "begun").exists()
