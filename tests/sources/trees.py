"""Directories as values, to compare."""

from pathlib import Path

from launchkit.code.survey import DEFAULT_LIMITS, Entry, PackLimits, code_in, survey


def tree(root: Path) -> dict[str, object]:
    """What a directory holds: text of files, targets of links, None for directories."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        else:
            found[name] = None if path.is_dir() else path.read_bytes()
    return found


def surveyed(root: Path, limits: PackLimits = DEFAULT_LIMITS) -> list[Entry]:
    """What is packed of a directory."""
    with code_in(root) as code:
        return survey(code, limits)
