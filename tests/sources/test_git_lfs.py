"""What a repository says of git-lfs leads to no other one of the machine, and to no secret."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from http.server import CGIHTTPRequestHandler
from pathlib import Path

import pytest
from served import answered_by
from services import skip_without
from sources.conftest import Repository

from launchkit.abc import Policy
from launchkit.builtin.git import GitFetcher
from launchkit.errors import FetchError, Rejected, unwrapped
from launchkit.model import GitSource
from launchkit.testing import site_at, started

WEIGHTS = b"very secret weights"


class GitServer(CGIHTTPRequestHandler):
    """Serves the repositories in a directory over HTTP, by git's own program."""

    have_fork = False  # it would become nobody, who may not read them

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@pytest.fixture(autouse=True)
def with_lfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a user who has installed git-lfs."""
    if not shutil.which("git-lfs"):
        skip_without("git-lfs")
    settings = tmp_path / "gitconfig"
    settings.write_text(
        '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n'
        "\tprocess = git-lfs filter-process\n\trequired = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))


@pytest.fixture
def private(tmp_path: Path) -> Repository:
    """A repository that no launch may take, with an object of git-lfs."""
    made = Repository(tmp_path / "private")
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    place = made.path / ".git/lfs/objects" / digest[:2] / digest[2:4] / digest
    place.parent.mkdir(parents=True)
    place.write_bytes(WEIGHTS)
    return made


def pointing(project: Repository, private: Repository) -> str:
    """Have a repository take that object from there; gives its commit."""
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    pointer = "version https://git-lfs.github.com/spec/v1\n"
    pointer += f"oid sha256:{digest}\nsize {len(WEIGHTS)}\n"
    project.commit({"stolen.bin": pointer})
    return project.commit(
        {".gitattributes": "*.bin filter=lfs\n", ".lfsconfig": f"[lfs]\n\turl = {private.url}\n"}
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Where the repositories in the directory `served` are."""
    root = tmp_path / "served"
    script = root / "cgi-bin" / "git"
    script.parent.mkdir(parents=True)
    script.write_text(
        f"#!/bin/sh\nexport GIT_PROJECT_ROOT={root} GIT_HTTP_EXPORT_ALL=1\nexec git http-backend\n"
    )
    script.chmod(0o755)
    with answered_by(partial(GitServer, directory=str(root))) as host:
        yield f"http://{host}/cgi-bin/git"


async def fetched(tmp_path: Path, source: GitSource, *allowed: str) -> Path:
    """What comes of a fetch where launches may take what is *allowed* of the agent's machine."""
    into = tmp_path / "code"
    into.mkdir()
    with unwrapped():
        async with (
            site_at(tmp_path, policy=Policy(local_repositories=allowed)) as site,
            started(GitFetcher(), site) as fetcher,
        ):
            await fetcher.fetch(source, into)
    return into


async def test_a_repository_of_a_server_leads_lfs_to_none_of_the_agents_machine(
    tmp_path: Path, private: Repository, server: str
) -> None:
    project = Repository(tmp_path / "served" / "project")
    commit = pointing(project, private)
    with pytest.raises(FetchError, match="lfs"):
        await fetched(tmp_path, GitSource(remote=f"{server}/project", commit=commit))
    assert not (tmp_path / "code" / "stolen.bin").exists()


async def test_a_repository_of_the_machine_leads_lfs_to_no_other_one(
    tmp_path: Path, private: Repository
) -> None:
    project = Repository(tmp_path / "project")
    commit = pointing(project, private)
    with pytest.raises(FetchError, match="lfs"):
        await fetched(tmp_path, GitSource(remote=project.url, commit=commit), str(project.path))


def linked(kept: Path, private: Path) -> None:
    shutil.rmtree(kept / "lfs")
    (kept / "lfs").symlink_to(private / "lfs")


def linked_below(kept: Path, private: Path) -> None:
    (kept / "lfs").mkdir(exist_ok=True)
    shutil.rmtree(kept / "lfs" / "objects", ignore_errors=True)
    (kept / "lfs" / "objects").symlink_to(private / "lfs" / "objects")


def set_up(kept: Path, private: Path) -> None:
    with (kept / "config").open("a") as config:
        config.write(f"[lfs]\n\tstorage = {private}/lfs\n")


def linked_aside(kept: Path, private: Path) -> None:
    (kept / "aside").symlink_to(private / "lfs")
    with (kept / "config").open("a") as config:
        config.write("[lfs]\n\tstorage = aside\n")


@pytest.mark.parametrize("borrow", [linked, linked_below, set_up, linked_aside])
async def test_a_repository_of_the_machine_has_no_objects_of_lfs_from_elsewhere(
    borrow: Callable[[Path, Path], None], tmp_path: Path, private: Repository
) -> None:
    project = Repository(tmp_path / "project")
    commit = pointing(project, project)
    borrow(project.path / ".git", private.path / ".git")
    with pytest.raises((Rejected, FetchError), match="lfs"):
        await fetched(tmp_path, GitSource(remote=project.url, commit=commit), str(project.path))
    assert not (tmp_path / "code" / "stolen.bin").exists()


async def test_a_repository_of_the_machine_has_its_own_objects_of_lfs(
    tmp_path: Path, private: Repository
) -> None:
    commit = pointing(private, private)
    code = await fetched(tmp_path, GitSource(remote=private.url, commit=commit), str(private.path))
    assert (code / "stolen.bin").read_bytes() == WEIGHTS


MISSING = {
    ".gitattributes": "*.bin filter=lfs\n",
    ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/x\n\tskipdownloaderrors = true\n",
}
"""What git-lfs then writes down has all variables of git's in it."""


@pytest.mark.parametrize("storage", ["", "\tstorage = mine\n"])
async def test_what_lfs_writes_down_of_the_agents_variables_is_not_in_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(f"{settings.read_text()}[lfs]\n{storage}")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.https://git.example.com/.extraHeader")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Authorization: Basic c2VjcmV0")
    inner, outer = Repository(tmp_path / "inner"), Repository(tmp_path / "outer")
    for one in (inner, outer):
        digest = hashlib.sha256(WEIGHTS).hexdigest()
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 9\n"
        one.commit({"missing.bin": pointer})
        one.commit(MISSING)
    outer.git("submodule", "--quiet", "add", inner.url, "lib")
    commit = outer.commit({})
    into = tmp_path / "code"
    into.mkdir()
    await GitFetcher().fetch(GitSource(remote=outer.url, commit=commit), into)
    for place in (into, into / "lib"):
        assert (place / "missing.bin").read_text().startswith("version")
    texts = [path.read_bytes() for path in into.rglob("*") if path.is_file()]
    assert [text for text in texts if b"c2VjcmV0" in text] == []
