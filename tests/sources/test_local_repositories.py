"""Repositories of the agent's machine come from where its owner says, and from nowhere else."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sources.conftest import Repository

from launchkit.abc import Policy
from launchkit.builtin.git import GitFetcher
from launchkit.errors import FetchError, Rejected
from launchkit.model import GitSource
from launchkit.testing import site_at, started

ELSEWHERE = "take no repository of its machine from there"
PART = "stands in another repository"
NO_TOP = "is not the top of a repository"
LEADS = "leads to other places"


@pytest.fixture
def private(make_repository) -> Repository:
    """A repository that no launch may take."""
    made = make_repository("private")
    made.commit({"secret": "private"})
    return made


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """The directory below which launches may take repositories."""
    path = tmp_path / "allowed"
    path.mkdir()
    return path


@pytest.fixture
def project(allowed: Path) -> Repository:
    made = Repository(allowed / "project")
    made.commit({"secret": "public"})
    return made


@pytest.fixture
def begin_git_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has somebody do something each time when git begins."""
    git = shutil.which("git")
    program = tmp_path / "programs" / "git"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def write(script: str) -> None:
        program.write_text(f'#!/bin/sh\n{script}\nexec {git} "$@"\n')
        program.chmod(0o755)

    return write


async def taken(remote: str, into: Path, places: Sequence[Path]) -> str:
    """What an agent that lets launches take repositories below *places* fetches."""
    policy = Policy(local_repositories=tuple(map(str, places)))
    refused: FetchError | Rejected | None = None
    async with (
        site_at(into.parent, policy=policy) as site,
        started(GitFetcher(), site) as fetcher,
    ):
        try:
            await fetcher.fetch(GitSource(remote=remote), into)
        except (FetchError, Rejected) as exc:
            refused = exc  # the site would wrap it in a group
    if refused:
        raise refused
    return (into / "secret").read_text()


@pytest.mark.parametrize(
    "address", ["c#/../../private", "c?/../../private", "c%23/../../private", "%2e%2e/private"]
)
@pytest.mark.usefixtures("private")
async def test_an_address_is_looked_at_as_git_reads_it(
    address: str, allowed: Path, into: Path
) -> None:
    for name in ("c", "c#", "c?"):
        (allowed / name).mkdir()
    with pytest.raises(Rejected, match=ELSEWHERE):
        await taken(f"file://{allowed}/{address}", into, [allowed])


def shared_directory(kept: Path, private: Path) -> None:
    (kept / "commondir").write_text(f"{private}\n")


def shared_objects(kept: Path, private: Path) -> None:
    (kept / "objects" / "info").mkdir(exist_ok=True)
    (kept / "objects" / "info" / "alternates").write_text(f"{private}/objects\n")


def linked_objects(kept: Path, private: Path) -> None:
    shutil.rmtree(kept / "objects")
    (kept / "objects").symlink_to(private / "objects")


def linked_pack(kept: Path, private: Path) -> None:
    shutil.rmtree(kept / "objects" / "pack")
    (kept / "objects" / "pack").symlink_to(private / "objects" / "pack")


def linked_object(kept: Path, private: Path) -> None:
    found = next(path for path in private.glob("objects/??/*"))
    place = kept / found.relative_to(private)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(found)


def objects_aside(kept: Path) -> None:
    """The repository's objects stand where git finds them by a link of its own alone."""
    (kept / "objects").rename(kept / "aside")
    (kept / "objects").symlink_to("aside")


def linked_object_aside(kept: Path, private: Path) -> None:
    objects_aside(kept)
    linked_object(kept, private)


def linked_ref(kept: Path, private: Path) -> None:
    (kept / "refs" / "heads" / "other").symlink_to(private / "refs" / "heads" / "main")


BORROWED = (
    shared_directory,
    shared_objects,
    linked_objects,
    linked_pack,
    linked_object,
    linked_object_aside,
    linked_ref,
)


@pytest.mark.parametrize("borrow", BORROWED)
@pytest.mark.parametrize("name", ["project", "project/.git"])
async def test_a_repository_that_leads_to_another_is_not_taken(
    borrow: Callable[[Path, Path], None],
    name: str,
    project: Repository,
    private: Repository,
    into: Path,
) -> None:
    borrow(project.path / ".git", private.path / ".git")
    place = project.path.parent
    with pytest.raises(Rejected, match=LEADS):
        await taken(f"file://{place}/{name}", into, [place])


@pytest.mark.parametrize("borrow", [None, *BORROWED])
async def test_a_repository_in_the_code_of_another_is_not_taken(
    borrow: Callable[[Path, Path], None] | None,
    project: Repository,
    private: Repository,
    into: Path,
) -> None:
    evil = project.path / "sub" / "evil"
    evil.parent.mkdir()
    shutil.copytree(project.path / ".git", evil)
    if borrow:
        borrow(evil, private.path / ".git")
    for places in ([project.path], [project.path.parent]):
        with pytest.raises(Rejected, match=PART):
            await taken(f"file://{evil}", into, places)


async def test_a_repository_in_a_bare_one_is_not_taken(
    project: Repository, allowed: Path, into: Path
) -> None:
    project.git("clone", "--quiet", "--bare", ".", str(allowed / "bare.git"))
    shutil.copytree(project.path, allowed / "bare.git" / "modules" / "inner")
    with pytest.raises(Rejected, match=PART):
        await taken(f"file://{allowed}/bare.git/modules/inner", into, [allowed])


async def test_where_git_would_look_elsewhere_it_is_not_asked(
    private: Repository, allowed: Path, into: Path
) -> None:
    (allowed / "plain").mkdir()
    (allowed / "link").mkdir()
    (allowed / "link" / ".git").symlink_to(private.path / ".git")
    (allowed / "file").mkdir()
    (allowed / "file" / ".git").write_text(f"gitdir: {private.path}/.git\n")
    private.git("worktree", "add", "--quiet", str(allowed / "tree"))
    for name in ("plain", "link", "file", "tree", "nothing"):
        with pytest.raises(Rejected, match=NO_TOP):
            await taken(f"file://{allowed}/{name}", into, [allowed])


async def test_a_link_that_is_changed_after_it_was_looked_at_leads_nowhere_else(
    project: Repository,
    private: Repository,
    into: Path,
    begin_git_with: Callable[[str], None],
) -> None:
    link = project.path.parent / "link"
    link.symlink_to(project.path)
    begin_git_with(f"ln -sfn {private.path} {link}")
    assert await taken(f"file://{link}", into, [link.parent]) == "public"
    assert link.resolve() == private.path


async def test_a_repository_in_whose_place_another_is_put_while_git_reads_is_not_taken(
    project: Repository,
    private: Repository,
    into: Path,
    begin_git_with: Callable[[str], None],
) -> None:
    here, aside = project.path, project.path.with_name("aside")
    begin_git_with(f"[ -L {here} ] || {{ mv {here} {aside}; ln -s {private.path} {here}; }}")
    with pytest.raises(Rejected, match=ELSEWHERE):
        await taken(project.url, into, [here.parent])
    assert (into / "secret").read_text() == "private"


@pytest.mark.parametrize("name", ["project", "project/", "project/.git", "bare.git", "link"])
async def test_what_the_owner_lets_launches_take_is_taken(
    name: str, project: Repository, allowed: Path, into: Path
) -> None:
    project.git("clone", "--quiet", "--bare", ".", str(allowed / "bare.git"))
    (allowed / "link").symlink_to("bare.git")
    assert await taken(f"file://{allowed}/{name}", into, [allowed]) == "public"


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%20b", "a%2520b", "a=b"])
async def test_a_directory_is_taken_by_the_name_that_git_reads(
    name: str, allowed: Path, into: Path
) -> None:
    on_disk = {"a%20b": "a b", "a%2520b": "a%20b"}.get(name, name)
    Repository(allowed / on_disk).commit({"secret": on_disk})
    assert await taken(f"file://{allowed}/{name}", into, [allowed]) == on_disk


@pytest.mark.parametrize("url", ["../../private", "../private", "{}", "file://{}"])
async def test_a_submodule_leads_to_no_repository_of_the_machine(
    url: str, project: Repository, private: Repository, into: Path
) -> None:
    project.git("submodule", "--quiet", "add", private.url, "lib")
    url = url.format(private.path)
    project.git("config", "--file", ".gitmodules", "submodule.lib.url", url)
    project.commit({})
    with pytest.raises(FetchError, match="transport 'file' not allowed"):
        await taken(project.url, into, [project.path.parent])
    assert not (into / "lib" / "secret").exists()


async def test_links_that_git_does_not_read_when_it_gives_code_away_lead_nowhere(
    project: Repository, tmp_path: Path, into: Path
) -> None:
    shutil.rmtree(project.path / ".git" / "hooks")
    (project.path / ".git" / "hooks").symlink_to(tmp_path)
    (project.path / ".git" / "refs" / "heads" / "same").symlink_to("main")
    assert await taken(project.url, into, [project.path.parent]) == "public"


async def test_a_repository_whose_links_stay_in_it_is_taken(
    project: Repository, into: Path
) -> None:
    objects_aside(project.path / ".git")
    (project.path / ".git" / "aside" / "info" / "again").symlink_to("..")
    assert await taken(project.url, into, [project.path.parent]) == "public"


async def test_a_repository_in_the_code_of_another_is_taken_where_the_owner_names_it(
    project: Repository, into: Path
) -> None:
    inner = Repository(project.path / "inner")
    inner.commit({"secret": "inner"})
    assert await taken(inner.url, into, [inner.path, project.path.parent]) == "inner"


async def test_settings_of_a_repository_in_somebodys_code_start_no_program(
    project: Repository, tmp_path: Path
) -> None:
    evil = project.path / "evil"
    shutil.copytree(project.path / ".git", evil)
    command = ["git", "config", "--file", f"{evil}/config"]
    for name, value in (
        ("core.bare", "false"),
        ("core.worktree", ".."),
        ("core.fsmonitor", f"touch {tmp_path}/begun; false"),
    ):
        subprocess.run([*command, name, value], check=True)
    await GitFetcher().pin(GitSource(remote=f"file://{evil}"))
    assert not (tmp_path / "begun").exists()
