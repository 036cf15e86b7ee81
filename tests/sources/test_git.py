"""Fetching from real repositories with real git."""

import os
import stat
import subprocess
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from sources.conftest import Repository, source

from launchkit.abc import Policy
from launchkit.builtin.git import GitFetcher
from launchkit.codec import decode
from launchkit.errors import ConfigError, FetchError, Rejected
from launchkit.model import ArchiveSource, GitSource
from launchkit.plugins import Plugins
from launchkit.store.backend import StoreBackend
from launchkit.testing import site_at, started

DOWN = "http://127.0.0.1:1/o/r.git"


def head(code: Path) -> str:
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, cwd=code, check=True, capture_output=True, text=True).stdout[:-1]


async def pinned(source: GitSource) -> GitSource:
    found = await GitFetcher().pin(source)
    assert isinstance(found, GitSource)
    return found


async def test_no_ref_means_the_head_of_the_remote(repository: Repository) -> None:
    repository.git("checkout", "-qb", "trunk")
    tip = repository.commit({"a": "1"})
    assert (await pinned(source(repository))).commit == tip


@pytest.mark.parametrize("ref", ["release", "v1", "refs/heads/release", "refs/tags/v1"])
async def test_a_branch_or_tag_is_resolved_to_its_commit(ref: str, repository: Repository) -> None:
    tip = repository.commit({"a": "1"})
    repository.git("branch", "release")
    repository.git("tag", "-a", "v1", "-m", "annotated")
    repository.commit({"a": "2"})
    found = await pinned(source(repository, ref))
    assert (found.ref, found.commit) == (ref, tip)


async def test_a_full_commit_id_is_taken_as_it_is_without_asking_anybody() -> None:
    found = await pinned(GitSource(remote=DOWN, ref="a" * 40))
    assert found.commit == "a" * 40


async def test_an_unknown_ref_is_rejected_and_near_ones_are_named(repository: Repository) -> None:
    with pytest.raises(Rejected, match="has no branch or tag 'mian'") as caught:
        await pinned(source(repository, "mian"))
    assert caught.value.hint == "did you mean 'main'?"


@pytest.mark.parametrize(
    ("remote", "message", "hint"),
    [
        (DOWN, "Failed to connect", "could not be reached"),
        ("file:///no/such/repository", "does not appear to be a git repository", "check the addr"),
    ],
)
async def test_a_remote_that_does_not_answer_is_told_in_the_words_of_git(
    remote: str, message: str, hint: str, into: Path
) -> None:
    with pytest.raises(FetchError, match=message) as caught:
        await pinned(GitSource(remote=remote))
    assert hint in str(caught.value.hint)
    with pytest.raises(FetchError, match=message):
        await GitFetcher().fetch(GitSource(remote=remote, commit="a" * 40), into)


async def test_an_empty_repository_is_told_as_that(make_repository, into: Path) -> None:
    with pytest.raises(FetchError, match="the repository is empty"):
        await GitFetcher().fetch(source(make_repository("void")), into)


async def test_a_fetch_is_shallow_and_leaves_a_repository(repository, into: Path) -> None:
    tip = repository.commit({"train.py": "print('two')\n"})
    repository.commit({"train.py": "print('three')\n"})
    await GitFetcher().fetch(source(repository, commit=tip), into)
    assert (into / "train.py").read_text() == "print('two')\n"
    assert head(into) == tip
    assert (into / ".git" / "shallow").read_text().strip() == tip


async def test_what_is_not_committed_does_not_matter(repository, into: Path) -> None:
    (repository.path / "train.py").write_text("changed\n")
    await GitFetcher().fetch(source(repository), into)
    assert (into / "train.py").read_text() == "print('one')\n"


@pytest.fixture
def old_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """With it servers refuse commits that are not the tip of a branch or tag."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.version")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "0")


@pytest.mark.usefixtures("old_protocol")
@pytest.mark.parametrize("ref", ["main", None])
async def test_a_commit_inside_the_history_is_found_where_the_server_gives_only_tips(
    ref: str | None, repository: Repository, into: Path
) -> None:
    inside = repository.commit({"a": "inside"})
    repository.commit({"a": "tip"})
    await GitFetcher().fetch(source(repository, ref, inside), into)
    assert (into / "a").read_text() == "inside"


@pytest.mark.parametrize("ref", ["main", None, "gone"])
async def test_a_commit_that_is_gone_is_told_as_that(ref, repository, into: Path) -> None:
    with pytest.raises(FetchError, match=f"commit {'a' * 40} is not in the repository any more"):
        await GitFetcher().fetch(source(repository, ref, "a" * 40), into)


async def test_a_tag_outside_every_branch_is_fetched(repository, into: Path) -> None:
    repository.git("checkout", "-q", "--detach")
    tagged = repository.commit({"a": "tagged"})
    repository.git("tag", "-a", "v1", "-m", "annotated")
    repository.git("checkout", "-q", "main")
    await GitFetcher().fetch(source(repository, "v1"), into)
    assert head(into) == tagged


@pytest.fixture
def nested(make_repository) -> Repository:
    """A repository with a submodule that has a submodule; neither is at its own tip."""
    inner, middle, outer = (make_repository(name) for name in ("inner", "middle", "outer"))
    inner.commit({"inner.py": "1"})
    middle.git("submodule", "--quiet", "add", inner.url, "lib")
    middle.commit({"middle.py": "1"})
    outer.git("submodule", "--quiet", "add", middle.url, "lib")
    outer.commit({"outer.py": "1"})
    inner.commit({"inner.py": "2"})
    middle.commit({"middle.py": "2"})
    return outer


async def test_submodules_are_fetched_all_the_way_down(nested, into: Path) -> None:
    await GitFetcher().fetch(source(nested), into)
    assert (into / "lib" / "middle.py").read_text() == "1"
    assert (into / "lib" / "lib" / "inner.py").read_text() == "1"
    assert (into / ".git" / "modules" / "lib" / "shallow").exists()


@pytest.mark.usefixtures("old_protocol")
async def test_submodules_come_also_from_servers_that_give_only_tips(nested, into: Path) -> None:
    await GitFetcher().fetch(source(nested), into)
    assert (into / "lib" / "lib" / "inner.py").read_text() == "1"


async def test_an_address_that_settings_of_git_rewrite_is_kept_nowhere(
    nested, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hush").symlink_to(tmp_path)
    there = f'[url "file://{tmp_path}/hush/"]\n\tinsteadOf = file://{tmp_path}/\n'
    (tmp_path / "settings").write_text(there)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    await GitFetcher().fetch(source(nested, "main"), into)
    assert (into / "lib" / "lib" / "inner.py").exists()
    files = [path for path in into.rglob("*") if path.is_file()]
    assert [path for path in files if b"hush" in path.read_bytes()] == []


async def test_who_the_agent_is_and_what_its_user_has_as_a_template_is_not_in_the_code(
    nested, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "template" / "info").mkdir(parents=True)
    (tmp_path / "template" / "info" / "exclude").write_text("# hush\n")
    settings = f"[init]\n\ttemplateDir = {tmp_path}/template\n[user]\n\tname = hush\n"
    (tmp_path / "settings").write_text(settings)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "hush@example.com")
    await GitFetcher().fetch(source(nested, "main"), into)
    assert (into / "lib" / "lib" / "inner.py").exists()
    files = [path for path in into.rglob("*") if path.is_file()]
    assert [path for path in files if b"hush" in path.read_bytes()] == []


@pytest.mark.parametrize("told", ["by a shell", "by a trace", "by a filter", "by a helper"])
async def test_no_error_of_git_tells_a_command_of_the_agents_owner(
    repository: Repository,
    unauthorized: str,
    tmp_path: Path,
    into: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
) -> None:
    repository.commit({".gitattributes": "*.enc filter=dec\n", "x.enc": "x"})
    (tmp_path / "settings").write_text(
        '[filter "dec"]\n\tsmudge = false -pass pass:hush %f hush\n\trequired = true\n'
        '[credential]\n\thelper = "!f() { echo password=hush; no-such-program; }; f"\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    monkeypatch.setenv("GIT_SSH_COMMAND", "no-such-program -p hush ssh")
    if told == "by a trace":
        monkeypatch.setenv("GIT_TRACE", "1")
    remote = {"by a filter": repository.url, "by a helper": unauthorized}
    code = GitSource(remote=remote.get(told, "ssh://git@example.com/x"), ref="main")
    with pytest.raises(FetchError) as error:
        await GitFetcher().fetch(code, into)
    assert "hush" not in str(error.value)


async def test_git_dumps_no_core_with_the_agents_environment_into_the_code(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = tmp_path / "limits"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"(ulimit -Sc; ulimit -Hc) >{limits}; false")
    with pytest.raises(FetchError):
        await GitFetcher().fetch(GitSource(remote="ssh://git@example.com/x"), into)
    assert limits.read_text().split() == ["0", "0"]


async def test_submodules_that_stand_in_each_other_without_end_are_refused(
    nested: Repository, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.builtin.git_submodules.MOST_LEVELS", 1)
    with pytest.raises(FetchError, match="stand in each other more than 1 deep"):
        await GitFetcher().fetch(source(nested), into)


async def test_a_submodule_that_is_gone_is_named(nested, into: Path) -> None:
    (nested.path.parent / "middle").rename(nested.path.parent / "moved")
    with pytest.raises(FetchError, match="submodule path"):
        await GitFetcher().fetch(source(nested), into)


async def test_what_the_source_does_not_say_correctly_is_refused(repository, into: Path) -> None:
    for bad in (
        source(repository, commit="abc1234"),
        source(repository, ref="--upload-pack=x"),
        GitSource(remote="ext::touch x"),
    ):
        with pytest.raises(Rejected):
            await GitFetcher().fetch(bad, into)
    with pytest.raises(FetchError, match="not the source of a git repository"):
        await GitFetcher().fetch(ArchiveSource(digest="", size=0, name=""), into)


async def test_a_server_that_wants_a_password_fails_at_once_and_names_the_helper(
    unauthorized: str,
) -> None:
    with pytest.raises(FetchError, match="could not read Username") as caught:
        await pinned(GitSource(remote=unauthorized))
    assert "credential helper" in str(caught.value.hint)


async def test_the_ambient_credential_helper_is_asked_and_its_password_is_never_told(
    unauthorized: str, tmp_path: Path
) -> None:
    helper = tmp_path / "helper"
    helper.write_text(
        textwrap.dedent("""\
            #!/bin/sh
            test "$1" = get && printf 'username=ada\\npassword=hunter2\\n'
        """)
    )
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    command = ["git", "config", "--global", "credential.helper", str(helper)]
    subprocess.run(command, check=True, env=os.environ)
    with pytest.raises(FetchError, match="Authentication failed") as caught:
        await pinned(GitSource(remote=unauthorized))
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_the_fetcher_is_a_built_in_plugin_with_checked_settings() -> None:
    from launchkit.abc import Fetcher

    assert Plugins(entry_points=False).get(Fetcher, "git") is GitFetcher
    assert decode(GitFetcher, {"timeout": 60}).timeout == 60
    for bad in ({"timeout": 0}, {"timout": 60}):
        with pytest.raises(ConfigError):
            decode(GitFetcher, bad)


async def test_a_remote_that_is_away_is_told_without_the_login_in_its_address() -> None:
    away = GitSource(remote=DOWN.replace("://", "://s3crtoken@"), ref="main")
    with pytest.raises(FetchError) as error:
        await pinned(away)
    assert "s3crtoken" not in str(error.value)


async def test_a_repository_that_lists_without_end_is_refused(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a": "1"})
    monkeypatch.setattr("launchkit.builtin.git_command.OUTPUT_BYTES", 10)
    with pytest.raises(FetchError, match="git said more than 10 bytes"):
        await pinned(source(repository))


class _OfAService(StoreBackend):
    trusts_all = False


@pytest.mark.parametrize(
    ("policy", "backend", "taken"),
    [
        (Policy(), StoreBackend, True),
        (Policy(), _OfAService, False),
        (Policy(secure_mode=True), StoreBackend, False),
        (Policy(of_runners={"docker": "strict"}), StoreBackend, False),
        (Policy(secure_mode=True, local_repositories=("project",)), _OfAService, True),
        (Policy(local_repositories=("elsewhere",)), StoreBackend, False),
        (Policy(local_repositories=()), StoreBackend, False),
    ],
)
async def test_a_launch_takes_repositories_of_the_agents_machine_where_its_owner_lets_it(
    repository: Repository,
    into: Path,
    tmp_path: Path,
    policy: Policy,
    backend: type[StoreBackend],
    taken: bool,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(repository.path)
    if policy.local_repositories is not None:
        places = tuple(f"{tmp_path}/{name}" for name in policy.local_repositories)
        policy = replace(policy, local_repositories=places)
    queue = backend(url=f"sqlite:///{tmp_path}/queue.db", entity="e")
    async with (
        site_at(tmp_path, backend=queue, policy=policy) as site,
        started(GitFetcher(), site) as fetcher,
    ):
        if taken:
            await fetcher.fetch(source(repository), into)
        else:
            for remote in (repository.url, f"file://{link}"):
                with pytest.raises(Rejected, match="take no repository of its machine from there"):
                    await fetcher.fetch(GitSource(remote=remote), into)
    assert (into / "train.py").exists() is taken
