"""How many files of a repository of this machine are not as committed, told with none of its own
settings: they may be somebody's code, and have git start programs, as filters and hooks are.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread

from launchkit.builtin.git_command import Git
from launchkit.errors import FetchError

SECONDS = 10.0
"""How long git may look: it reads each file that may have been changed."""
PLACES = ("index", "objects", "info")
SHA256 = "[core]\nrepositoryFormatVersion = 1\n[extensions]\nobjectFormat = sha256\n"


async def changed_files(git: Git, work: Path, commit: str) -> int:
    """How many files of the work tree are not as in the commit, ignored ones left out; 0 if git
    does not say so in time.
    """
    faults = (FetchError, OSError, ValueError)  # the last of a path with a newline
    with suppress(*faults), anyio.move_on_after(SECONDS):
        wanted = [word for name in PLACES for word in ("--git-path", name)]
        said = await git.run("rev-parse", "--path-format=absolute", *wanted, cwd=work)
        index, objects, info = map(Path, said.removesuffix("\n").split("\n"))
        async with anyio.TemporaryDirectory(prefix="changes-") as folder:
            await anyio.to_thread.run_sync(_fill, Path(folder), commit, info)
            environ = {
                **(git.environ or {}),
                "GIT_DIR": folder,
                "GIT_INDEX_FILE": str(index),
                "GIT_OBJECT_DIRECTORY": str(objects),
                "GIT_OPTIONAL_LOCKS": "0",  # the index is not written
                "GIT_WORK_TREE": str(work),
            }
            alone = replace(git, environ=environ)
            status = await alone.run("status", "--porcelain", "-z", "--ignore-submodules=dirty")
            return status.count("\0")
    return 0


def _fill(settings: Path, commit: str, info: Path) -> None:
    """Make what git takes for a repository in which the commit is checked out."""
    (settings / "HEAD").write_text(f"{commit}\n")
    (settings / "refs").mkdir()
    (settings / "config").write_text(SHA256 if len(commit) == 64 else "")
    (settings / "info").symlink_to(info)  # its `exclude` says what is ignored
