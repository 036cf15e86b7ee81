"""Warnings of files that every user of this machine may read, change, or put others in place of."""

import stat
from collections.abc import Mapping
from pathlib import Path

from launchkit.abc import Finding
from launchkit.private_files import folder_for_all, is_there, mode_for_all
from launchkit.shell_words import shell_command

CLUSTERS_OWN = Path("/var/run/secrets")


def wide_secret(path: Path, subject: str, what: str) -> Finding | None:
    """A warning if every user of this machine may read or change the file, which holds *what*, or
    put another one in its place. Reads the modes of files.
    """
    if mode := mode_for_all(path):
        message = f"{path} is open to every user of this machine (mode {mode}): it holds {what}"
        return Finding(
            level="warning",
            subject=subject,
            message=message,
            hint=shell_command("chmod", "600", path),
        )
    return replaceable(path, subject)


def wide_secrets(files: Mapping[Path, str], subject: str) -> list[Finding]:
    """A warning of each such file, but for those that a cluster gives its pods: it sees to their
    modes itself. Reads the modes of files.
    """
    own = {path: what for path, what in files.items() if CLUSTERS_OWN not in path.parents}
    found = (wide_secret(path, subject, what) for path, what in own.items())
    return [one for one in found if one]


def wide_folder(path: Path, subject: str) -> Finding | None:
    """A warning if every user of this machine may put files into a directory, or another one in its
    place. Reads the modes of directories.
    """
    if mode := mode_for_all(path, stat.S_IWOTH):
        message = f"every user of this machine may put files into {path} (mode {mode})"
        hint = shell_command("chmod", "o-w", path)
        return Finding(level="warning", subject=subject, message=message, hint=hint)
    return replaceable(path, subject)


def replaceable(path: Path, subject: str) -> Finding | None:
    """A warning if every user of this machine may put another file in the place of one that is
    there. Reads the modes of directories.
    """
    found = folder_for_all(path) if is_there(path) else None
    if found is None:
        return None
    folder, mode = found
    message = (
        f"every user of this machine may put another file in the place of {path}, for all may"
        f" change {folder} (mode {mode})"
    )
    return Finding(
        level="warning",
        subject=subject,
        message=message,
        hint=shell_command("chmod", "o-w", folder),
    )
