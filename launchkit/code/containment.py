"""Files of a code directory, never followed out of it by a link."""

from pathlib import Path


def has_file(root: Path, path: str) -> bool:
    """Whether *path* is a file that really lies in *root*."""
    try:
        return (root / path).is_file() and is_inside(root, path)
    except (OSError, ValueError):  # no file can have that name
        return False


def has_directory(root: Path, path: str) -> bool:
    """Whether *path* is a directory that really lies in *root*."""
    try:
        return (root / path).is_dir() and is_inside(root, path)
    except (OSError, ValueError):  # as above
        return False


def is_inside(root: Path, path: str) -> bool:
    """Whether *path*, with every link followed, lies in *root*. What leads in a circle, or over so
    many links that nobody follows it, does not.
    """
    try:
        return (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return False
