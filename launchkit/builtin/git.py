"""Fetch code from git repositories."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar

import anyio
import anyio.to_thread
from pydantic import Field

from launchkit.abc import Fetcher, Finding, Site
from launchkit.addresses import masked
from launchkit.builtin.git_changes import changed_files
from launchkit.builtin.git_command import MEMORY_BYTES, Git, owners_commands, quiet_environment
from launchkit.builtin.git_logins import login_files
from launchkit.builtin.git_submodules import fetch_submodules
from launchkit.code.local_repositories import allowed_repository, local_path
from launchkit.code.remotes import (
    check_ref,
    check_remote,
    choose_commit,
    is_commit,
    is_local,
    refs_in,
    unknown_ref,
)
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import FetchError, Rejected
from launchkit.hookspecs import hookimpl
from launchkit.model import GitSource, Source
from launchkit.shell_words import shell_word

logger = logging.getLogger("launchkit.code")

WHOLE_HISTORY = "2147483647"
"""The depth that git takes as infinite."""
AS_NAMED = "--upload-pack=git-upload-pack --strict"
"""git does not look for another repository, such as `.git` in the directory."""
PIN_SECONDS = 60.0
"""How long a remote may take to say which commit a ref means."""


@dataclass(kw_only=True)
class GitFetcher(Fetcher):
    """Brings a commit, with its submodules; private ones by the agent's own git credentials."""

    kind: ClassVar[str] = "git"

    timeout: Annotated[float, Field(gt=0)] = 900
    """Seconds that one fetch may take, submodules included."""
    memory_bytes: Annotated[int, Field(gt=0)] = MEMORY_BYTES
    """What each process of git's may have of memory."""

    _local: Sequence[str] | None = field(init=False, repr=False, default=None)
    """Where a launch may take repositories of this machine from; None: anywhere."""

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Know what the agent's owner allows."""
        self._local = _local_repositories(site)

    async def fetch(self, source: Source, into: Path) -> None:
        """Check out the source's commit in *into*, which becomes a repository of its own.

        :raises Rejected: if the remote or the ref is not acceptable.
        :raises FetchError: if it cannot be had.
        """
        if not isinstance(source, GitSource):
            raise FetchError(f"not the source of a git repository: {source}")
        commit = _named(source)
        with _time_limit(self.timeout, source.remote):
            kept = await self._allowed(source.remote)
            place = (AS_NAMED, str(kept)) if kept else ()
            git = await self._git(source.remote)
            commit = commit or await _asked(git, source, place)
            await _check_out(git, source, commit, into, place)
            if kept:  # what others put in its place meanwhile was read as well
                await self._allowed(source.remote, kept)
            await fetch_submodules(git, into)

    async def _allowed(self, remote: str, kept: Path | None = None) -> Path | None:
        """Where git is to read a local repository, if not each may be taken: the directory that was
        looked at, whatever the address leads to by then.
        """
        if self._local is None or not is_local(remote):
            return None
        at = kept or local_path(remote)
        return await anyio.to_thread.run_sync(allowed_repository, at, remote, self._local)

    async def _git(self, remote: str) -> Git:
        modules_too = self._local is None and is_local(remote)
        settings = {
            **self._of_lfs(remote),
            "advice.detachedHead": "false",
            "core.logAllRefUpdates": "false",  # who the agent is stands in those logs
            "gc.auto": "0",  # nothing goes on in the background of a checkout
            "maintenance.auto": "false",
            "protocol.ext.allow": "never",
            "protocol.file.allow": "always" if modules_too else "user",  # user: no submodules
        }
        environ = await quiet_environment()
        return Git(
            subject=masked(remote),
            options=tuple(word for pair in settings.items() for word in ("-c", "=".join(pair))),
            environ=environ,
            commands=await owners_commands(environ),
            memory_bytes=self.memory_bytes,
        )

    def _of_lfs(self, remote: str) -> Mapping[str, str]:
        """Keep git-lfs, which reads repositories of this machine by itself, from all but that which
        a launch names, where not each may be taken.
        """
        if self._local is None:
            return {}
        if is_local(remote):
            return {"lfs.url": remote}
        return {"lfs.customtransfer.lfs-standalone-file.path": "false"}

    async def pin(self, source: Source) -> Source:
        """The source with the commit that its ref means in the remote now; no ref is its HEAD.

        :raises Rejected: if the address is not acceptable, or there is no such ref.
        :raises FetchError: if the remote cannot be asked in time, or is empty.
        """
        if not isinstance(source, GitSource):
            raise FetchError(f"not the source of a git repository: {source}")
        commit = _named(source)
        if commit is None:
            with _time_limit(PIN_SECONDS, source.remote):
                commit = await _asked(await self._git(source.remote), source)
            if source.ref is None and is_local(source.remote):
                await _warn_of_changes(await self._git(source.remote), source.remote, commit)
        return replace(source, commit=commit)

    def secret_files(self) -> Mapping[Path, str]:
        """Those in which git, curl and ssh keep logins and keys. Reads git's settings."""
        return login_files(os.environ)

    async def check(self) -> Sequence[Finding]:
        """Look whether git is there."""
        try:
            version = await Git(subject="git").run("--version")
        except FetchError as exc:
            return [Finding(level="error", subject="git", message=exc.message, hint=exc.hint)]
        return [Finding(level="ok", subject="git", message=version.strip())]


def _local_repositories(site: Site) -> Sequence[str] | None:
    policy = site.policy
    if policy.local_repositories is not None:
        return policy.local_repositories
    is_strict = policy.secure_mode or "strict" in policy.of_runners.values()
    return () if is_strict or not (site.backend and site.backend.trusts_all) else None


def _named(source: GitSource) -> str | None:
    """The commit that a source itself says. :raises Rejected: if it is not acceptable."""
    check_remote(source.remote)
    if source.ref is not None:
        check_ref(source.ref)
    named = source.commit or source.ref
    if named is not None and is_commit(named):
        return named
    if source.commit is not None:
        raise Rejected(f"git commit {source.commit!r}: is not the full id of a commit")
    return None


async def _asked(git: Git, source: GitSource, place: Sequence[str] = ()) -> str:
    """The commit that a source's ref means in the remote."""
    said = await git.run("ls-remote", "--quiet", *(place or (source.remote,)))
    return await anyio.to_thread.run_sync(_commit_of, said, source)


async def _warn_of_changes(git: Git, remote: str, commit: str) -> None:
    """Tell that what is not committed in a repository of this machine is not launched."""
    folder = local_path(remote)
    work = folder.parent if folder.name == ".git" else folder
    if not await anyio.Path(work / ".git").exists():
        return  # a bare repository has no files that could be changed, and may be somebody's code
    if changed := await changed_files(git, work, commit):
        logger.warning(
            "%s: uncommitted changes, in %s, are not launched; commit them, or launch the"
            " directory itself: -u %s",
            masked(remote),
            "1 file" if changed == 1 else f"{changed} files",
            shell_word(work),
        )


def _commit_of(said: str, source: GitSource) -> str:
    refs = refs_in(said, source.ref)
    if not said:
        raise FetchError(
            f"{masked(source.remote)}: the repository is empty", hint="push a commit to it"
        )
    commit = choose_commit(refs, source.ref)
    if commit is None:
        raise unknown_ref(refs, source.ref or "HEAD", source.remote)
    return commit


async def _check_out(
    git: Git, source: GitSource, commit: str, into: Path, place: Sequence[str]
) -> None:
    hashes = "sha256" if len(commit) == 64 else "sha1"
    await git.run("init", "--quiet", "--template=", f"--object-format={hashes}", cwd=into)
    await git.run("remote", "add", "origin", source.remote, cwd=into)
    await _fetch_commit(git, source, commit, into, place or ("origin",))
    await git.run("checkout", "--quiet", "--detach", commit, cwd=into)
    # which hold the address as settings of git have rewritten it, and the agent's variables
    await anyio.Path(into / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
    storage = await git.run("config", "--default", "lfs", "--get", "lfs.storage", cwd=into)
    if not Path(storage).is_absolute():  # else it is the owner's, for all code
        logs = into / ".git" / storage.strip() / "logs"
        await anyio.to_thread.run_sync(remove_tree, logs)


async def _fetch_commit(
    git: Git, source: GitSource, commit: str, into: Path, place: Sequence[str]
) -> None:
    """Ask for the commit alone; for servers that refuse, for its ref; at last for everything."""
    fetch = ("fetch", "--quiet", "--no-recurse-submodules")
    wanted = ("cat-file", "-e", f"{commit}^{{commit}}")
    for name in dict.fromkeys((commit, source.ref or commit)):
        with suppress(FetchError):
            await git.run(*fetch, "--depth=1", *place, name, cwd=into)
            await git.run(*wanted, cwd=into)
            return
    everything = (
        f"--depth={WHOLE_HISTORY}",
        "--tags",
        *place,
        "+refs/heads/*:refs/remotes/origin/*",
    )
    await git.run(*fetch, *everything, cwd=into)
    try:
        await git.run(*wanted, cwd=into)
    except FetchError as exc:
        raise FetchError(
            f"{masked(source.remote)}: commit {commit} is not in the repository any more",
            hint="a forced push may have removed it; launch a branch or tag that is there",
        ) from exc


@contextmanager
def _time_limit(seconds: float, remote: str) -> Iterator[None]:
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as exc:
        raise FetchError(
            f"{masked(remote)}: git did not end within {seconds:g} seconds",
            hint="is the server reachable? For a large repository set a longer timeout",
        ) from exc


@hookimpl
def launchkit_fetchers() -> list[type[Fetcher]]:
    """Offer the fetcher."""
    return [GitFetcher]
