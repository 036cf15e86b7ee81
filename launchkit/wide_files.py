"""Warnings of files that every user of this machine may read, change, or put others in place of."""

from pathlib import Path

from launchkit.abc import Finding
from launchkit.private_files import folder_for_all, mode_for_all


def wide_secret(path: Path, subject: str, what: str) -> Finding | None:
    """A warning if every user of this machine may read or change the file, which holds *what*, or
    put another one in its place. Reads the modes of files.
    """
    if mode := mode_for_all(path):
        message = f"{path} is open to every user of this machine (mode {mode}): it holds {what}"
        return Finding(level="warning", subject=subject, message=message, hint=f"chmod 600 {path}")
    return replaceable(path, subject)


def replaceable(path: Path, subject: str) -> Finding | None:
    """A warning if every user of this machine may put another file in the place of one that is
    there. Reads the modes of directories.
    """
    found = folder_for_all(path) if path.exists() else None
    if found is None:
        return None
    folder, mode = found
    message = (
        f"every user of this machine may put another file in the place of {path}, for all may"
        f" change {folder} (mode {mode})"
    )
    return Finding(level="warning", subject=subject, message=message, hint=f"chmod o-w {folder}")
