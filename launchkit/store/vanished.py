"""What a SQLite file that is gone has left behind: nobody begins anew in its place unasked."""

from collections.abc import Sequence
from pathlib import Path

from launchkit.errors import ConfigError
from launchkit.shell_words import shell_join
from launchkit.store.swap import cut_short

TRACES = ("-wal", "-journal", "-wake")
"""What lies beside a file that was in use, and beside no file that is yet to be made."""


def is_new(path: Path) -> bool:
    """Whether no queue is or was in this file. Where nobody may look it is not said to be new: who
    opens it is told what is in the way.
    """
    try:
        real = path.resolve()
        return not (real.exists() or cut_short(real) or _traces(real))
    except OSError:
        return False


def require_not_vanished(path: Path) -> None:
    """:raises ConfigError: if the file, whose path has no links in it, was there and is gone."""
    if path.exists() or not (traces := _traces(path)):
        return
    raise ConfigError(
        f"the queue's database {path} is gone: it was deleted or moved, for"
        f" {', '.join(trace.name for trace in traces)} still lies beside its place",
        hint="put a backup there with launchkit store restore FILE; or, to begin with an empty"
        f" queue: rm -r {shell_join(traces)}",
    )


def _traces(path: Path) -> Sequence[Path]:
    places = (Path(f"{path}{suffix}") for suffix in TRACES)
    return [place for place in places if place.exists()]
