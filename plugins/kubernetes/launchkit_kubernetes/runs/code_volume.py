"""Code in a volume of the cluster that the agent has mounted, too: a directory for each run."""

import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync

from launchkit.code.copy_tree import copy_tree
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import LaunchError, LaunchkitError, RunLost
from launchkit.private_files import write_new
from launchkit_kubernetes.manifest.code import FOLDER, code_folder
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.whose import labels_of

log = logging.getLogger("launchkit.kubernetes")

NAME_SUFFIX = ".ref"
"""Ends the name of the file that tells whose directory stands beside it."""
MOST_REF = 4096
"""Bytes of it."""
OLD_SECONDS = 86_400.0
"""After so long a directory may be one that a killed agent has left."""
FOR_ALL = 0o777
"""As an emptyDir is: the program may run as anybody."""
TO_RUN, TO_READ = 0o755, 0o644
"""As packed code has: what the agent's umask, or git's, says of its files is no matter of runs."""


@dataclass(frozen=True)
class CodeVolume:
    """Where the agent has the volume."""

    folder: Path

    async def put(self, name: str, ref: Ref, code: Path) -> None:
        """Copy the code of a run, unless an agent has put it there.

        :raises LaunchError: if that fails, or something else is in its place.
        """
        try:
            await run_sync(self._put, name, ref, code)
        except OSError as exc:
            why = exc.strerror or exc
            raise LaunchError(
                f"cannot copy the code to {self.folder}: {why}",
                hint="code_pvc_mount_path is where the agent has mounted the volume of"
                " code_pvc_name",
            ) from exc

    async def remove(self, name: str) -> None:
        """Remove the code of a run that is over."""
        try:
            await run_sync(self._remove, name)
        except OSError as exc:
            log.warning("the code %s is left in %s: %s", name, self.folder, exc)

    async def sweep(self, find: Callable[[Ref], Awaitable[Mapping[str, Any] | None]]) -> None:
        """Remove what has stood there for long, and whose run *find* does not find."""
        for name, ref in await run_sync(self._old):
            try:
                told = await find(ref)
            except LaunchkitError as exc:
                log.info("it is not known whether %s is gone: %s", ref, exc)
            else:
                if told is None or code_folder(ref, labels_of(told)) != name:
                    await self.remove(name)

    def _put(self, name: str, ref: Ref, code: Path) -> None:
        target = self.folder / name
        if os.path.lexists(target):
            self._require_own(target)
            return
        told = target.with_suffix(NAME_SUFFIX)
        told.unlink(missing_ok=True)  # of an earlier try; a link would lead elsewhere
        write_new(told, str(ref).encode())
        part = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=self.folder))
        try:
            copy_tree(code, part, put_file=_copy_file, put_mode=_let_read)
            part.chmod(FOR_ALL)
            part.rename(target)
        except BaseException:
            remove_tree(part)
            raise

    def _require_own(self, target: Path) -> None:
        """What is in a directory the run may have changed, so whose it is must do: whoever the
        volume takes this agent for, as it may not be the user that the agent is here.
        """
        with tempfile.TemporaryFile(dir=self.folder) as probe:
            own = os.fstat(probe.fileno()).st_uid
        found = target.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != own:
            raise LaunchError(
                f"{target} is in the place of the code of a run, and is no directory that this"
                " agent's user has made",
                hint="see who may write in the volume of code_pvc_name, and remove it",
            )

    def _remove(self, name: str) -> None:
        for path in self.folder.glob(f"{name}*"):
            remove_tree(path)

    def _old(self) -> Sequence[tuple[str, Ref]]:
        found = []
        for path in self.folder.glob(f"{FOLDER}*{NAME_SUFFIX}"):
            try:
                if time.time() - path.lstat().st_mtime > OLD_SECONDS:
                    found.append((path.stem, Ref.parse(_read(path))))
            except (OSError, ValueError, RunLost) as exc:
                log.info("it is not known whose code %s is: %s", path, exc)
        return found


def _copy_file(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    runs = source.stat().st_mode & stat.S_IXUSR
    target.chmod(TO_RUN if runs else TO_READ)


def _let_read(_: Path, copy: Path) -> None:
    copy.chmod(TO_RUN)


def _read(path: Path) -> str:
    """What a file says that others may have put another thing in the place of."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as opened:
        return opened.read(MOST_REF).decode()
