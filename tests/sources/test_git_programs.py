"""Settings that stand in somebody's code start no program where git is run beside it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest
from sources.conftest import Repository

import launchkit
from launchkit.builtin.git import GitFetcher
from launchkit.errors import FetchError
from launchkit.model import GitSource

OLDER = """#!/bin/sh
for word; do
    shift
    case $word in safe.bareRepository=*) word=advice.statusHints=true ;; esac
    set -- "$@" "$word"
done
exec {git} "$@"
"""
"""git before 2.38, which knows no `safe.bareRepository`."""


@pytest.fixture(params=["this git", "an older git"])
def _git(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "an older git":
        program = tmp_path / "programs" / "git"
        program.parent.mkdir()
        program.write_text(OLDER.format(git=shutil.which("git")))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    monkeypatch.delenv("GIT_SSH", raising=False)


@pytest.fixture
def docs(repository: Repository) -> Path:
    """A directory of somebody's code that is a bare repository, with settings that have git begin
    a program wherever it asks a server, and wherever it looks for changes.
    """
    path = repository.path / "docs"
    shutil.copytree(repository.path / ".git", path)
    begin = f"touch {repository.path.parent}/begun; false"
    settings = (
        ("core.bare", "false"),
        ("core.worktree", ".."),
        ("core.fsmonitor", begin),
        ("core.sshCommand", begin),
        ("url.ssh://127.0.0.1:1/.insteadOf", "file:///"),
        ("url.ssh://127.0.0.1:1/.insteadOf", "https://"),
        ("credential.helper", f"!{begin}"),
    )
    for name, value in settings:
        command = ["git", "config", "--file", f"{path}/config", "--add", name, value]
        subprocess.run(command, check=True)
    return path


@pytest.mark.usefixtures("_git")
async def test_who_stands_in_somebodys_code_starts_no_program_of_it(
    docs: Path, repository: Repository, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(docs)
    fetcher = GitFetcher()
    pinned = await fetcher.pin(GitSource(remote=repository.url))
    await fetcher.fetch(pinned, into)
    await fetcher.pin(GitSource(remote=f"file://{docs}"))
    await fetcher.check()
    await anyio.to_thread.run_sync(fetcher.secret_files)
    for remote in ("https://127.0.0.1:1/o/r", "ssh://127.0.0.1:1/o/r"):
        with pytest.raises(FetchError):
            await fetcher.pin(GitSource(remote=remote))
    assert (into / "train.py").exists()
    assert not (docs.parent.parent / "begun").exists()


def test_git_is_named_as_a_program_in_one_place_alone() -> None:
    source = Path(launchkit.__file__).parent
    plugins = source.parent / "plugins"
    files = [*source.rglob("*.py"), *plugins.glob("*/launchkit_*/**/*.py")]
    naming = [file.name for file in files if re.search(r'\[\s*"git"\s*,', file.read_text())]
    assert naming == ["git_command.py"]
