"""The submodules of a checkout, level by level: git alone would keep some processes for each."""

from pathlib import Path

import anyio
import anyio.to_thread

from launchkit.builtin.git_command import Git
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import FetchError

MOST_LEVELS = 20
LOOK = (
    "lfs=$(git config --default lfs --get lfs.storage)/logs; "
    'rm -rf "$(git rev-parse --git-path FETCH_HEAD)" "$(git rev-parse --git-path "$lfs")"'
    ' && printf "%s\\0" "$toplevel/$sm_path"'
)
"""Tells where a submodule is, which keeps no address as settings of git have rewritten it, and none
of the agent's variables, which git-lfs writes down when something is missing.
"""
UPDATE = ("submodule", "--quiet", "update", "--init")


async def fetch_submodules(git: Git, into: Path, level: int = 0) -> None:
    """Check out the submodules of the checkout *into*, and theirs.

    :raises FetchError: if one cannot be had, or they stand in each other without end.
    """
    if not await anyio.Path(into / ".gitmodules").exists():
        return
    if level == MOST_LEVELS:
        raise FetchError(
            f"{git.subject}: its submodules stand in each other more than {MOST_LEVELS} deep",
            hint="name the repositories that are needed as submodules of an outer one",
        )
    await _update(git, into)
    said = await git.run("submodule", "--quiet", "foreach", LOOK, cwd=into)
    for place in map(Path, said.split("\0")[:-1]):
        if not await anyio.Path(place).is_dir():
            raise FetchError(f"{git.subject}: the path of a submodule is not valid UTF-8")
        await fetch_submodules(git, place, level + 1)


async def _update(git: Git, into: Path) -> None:
    try:
        await git.run(*UPDATE, "--depth=1", cwd=into)
    except FetchError:  # some servers do not give a commit that is no tip: begin again, with all
        await git.run("submodule", "--quiet", "deinit", "--all", "--force", cwd=into)
        kept = await git.run("rev-parse", "--absolute-git-dir", cwd=into)
        modules = Path(kept.removesuffix("\n")) / "modules"
        await anyio.to_thread.run_sync(remove_tree, modules)
        await git.run(*UPDATE, cwd=into)
