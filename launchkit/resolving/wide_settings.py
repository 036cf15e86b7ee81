"""Warnings of settings that every user of this machine may change, or read secrets in."""

import stat
from collections.abc import Iterator
from pathlib import Path

from launchkit.abc import Finding
from launchkit.document import read_document, require_mapping
from launchkit.errors import LaunchkitError
from launchkit.private_files import mode_for_all
from launchkit.resolving.written_secrets import written_secrets
from launchkit.shell_words import shell_command
from launchkit.wide_files import replaceable


def wide_settings(path: Path, subject: str = "settings") -> Iterator[Finding]:
    """Warnings if every user of this machine may change or replace the settings, right or wrong, or
    read secrets in them. Reads the file.
    """
    if mode := mode_for_all(path, stat.S_IWOTH):
        message = f"every user of this machine may change {path} (mode {mode})"
        yield Finding(
            level="warning",
            subject=subject,
            message=message,
            hint=shell_command("chmod", "o-w", path),
        )
        return
    if found := replaceable(path, subject):
        yield found
    mode = mode_for_all(path, stat.S_IROTH)
    if secrets := _secrets_of(path) if mode else None:
        message = f"{path} is open to every user of this machine (mode {mode}), and {secrets}"
        yield Finding(
            level="warning",
            subject=subject,
            message=message,
            hint=shell_command("chmod", "600", path),
        )


def _secrets_of(path: Path) -> str | None:
    try:
        places = written_secrets(require_mapping(read_document(path)))
    except LaunchkitError:
        return "may hold secrets, for it cannot be parsed"
    return f"holds what looks like a secret: {', '.join(places)}" if places else None
