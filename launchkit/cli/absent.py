"""What a command does whose queue is a SQLite file that is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path

from launchkit.errors import NotFound
from launchkit.settings import AgentSettings, BackendBlock


class Absent(Enum):
    """What is done about it."""

    MADE = auto()
    """A queue begins in it."""
    REFUSED = auto()
    """There is nothing to be changed or followed."""
    EMPTY = auto()
    """There is nothing to be seen, which is an error only where the path was named."""


@contextmanager
def with_its_file(settings: AgentSettings, absent: Absent) -> Iterator[AgentSettings]:
    """The settings with which to open the queue: an empty one takes the place of a file that is not
    there.

    :raises NotFound: if the file is not there, and that is an error.
    """
    path = None if absent is Absent.MADE else absent_file(settings)
    if path is None:
        yield settings
        return
    if absent is Absent.REFUSED or settings.backend is not None:
        raise no_file(path)
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="launchkit-") as folder:
        empty = BackendBlock(url=f"sqlite:///{folder}/launchkit.db")
        yield settings.model_copy(update={"backend": empty})


def absent_file(settings: AgentSettings) -> Path | None:
    """The queue's file, if it is to be one and never was there."""
    url = settings.backend_url()
    if not url.startswith("sqlite:"):
        return None
    from launchkit.store.sqlite_file import file_of
    from launchkit.store.vanished import is_new

    path = file_of(url)
    return path if is_new(path) else None


def no_file(path: Path) -> NotFound:
    """The error that there is none."""
    return NotFound(
        f"there is no queue in {path}: no such file",
        hint="name its place with --backend; launchkit queue create makes the file, and a queue"
        " in it",
    )
