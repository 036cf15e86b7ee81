"""The names that jobs get when nobody gives them one; W&B's rules."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from launchkit.addresses import without_login

LONGEST = 128
SCRIPTS = (".py", ".sh", ".ipynb")


def code_name(path: str, name: str | None) -> str:
    """The name of packed code: `code-<name>`, else of its directory, `code-<path>`."""
    if name:
        return _safe(f"code-{name}")
    parts = [part for part in PurePosixPath(path).parts if part not in {"/", ".", ".."}]
    return _safe("code-" + ("/".join(parts) or Path(path).resolve().name))


def image_job_name(image: str) -> str:
    """The name of a job made of an image: `job-<repository>`, without tag and digest."""
    repository = image.partition("@")[0]
    before, colon, tag = repository.rpartition(":")
    return _safe("job-" + (before if colon and "/" not in tag else repository))


def git_job_name(remote: str, entry_file: str | None) -> str:
    """The name of a job made of a repository: `job-<remote>_<entry file>`, without who asks."""
    return _safe(f"job-{without_login(remote)}_{entry_file or ''}")


def entry_file(entry_point: Sequence[str]) -> str | None:
    """The file that an entry point starts, as far as that can be told.

    None for `python -m module` and `python -c code`, which name no file. Options before the file
    are skipped: the first word that ends as scripts do, else the second word of the entry point.
    """
    words = list(entry_point)
    for index, word in enumerate(words):
        if index and word in {"-m", "-c"}:
            return None
        if word.endswith(SCRIPTS):
            return word
    return words[1] if len(words) > 1 and not words[1].startswith("-") else None


def _safe(name: str) -> str:
    clean = re.sub(r"[^a-zA-Z0-9_.-]", "_", name)
    return clean if len(clean) <= LONGEST else f"{clean[:63]}..{clean[-63:]}"
