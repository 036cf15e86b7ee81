"""How a run's processes are found, also where its directory tells nothing any more."""

import os
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from launchkit.builtin.local_process.rundir import RunDir, tells_of_processes
from launchkit.supervision import cgroup
from launchkit.supervision.forks import PROGRAM
from launchkit.supervision.processes import (
    MARK,
    TAG,
    descendants,
    is_believed,
    lives,
    members,
    start_time,
    told,
)
from launchkit.supervision.supervisor import TAG_BYTES

MOST_FILES = 64
"""Open files of a process that are looked at: a supervisor has some ten, a process may have a
million.
"""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What was read there before, or else what the system tells."""

    tags: tuple[bytes, ...] = ()
    watcher: tuple[int, int] | None = None
    """The number and the start time of the supervisor."""
    leader: tuple[int, int] | None = None
    """Those of the main process of the command."""
    home: cgroup.Cgroup | None = None

    @classmethod
    def left_in(cls, place: RunDir) -> Self:
        """Those that a run's directory tells of."""
        pid, tag = place.supervisor(), place.tag()
        return cls(
            tags=(tag,) if tag else (),
            watcher=None if pid is None else (pid, start_time(pid)),
            leader=place.leader(),
            home=place.cgroup(),
        )

    @classmethod
    def sought(cls, place: Path) -> Self:
        """Those that the system tells of the run of a directory, which is not looked into, by
        processes that are believed. While the supervisor lives, what is of the run
        descends from it, or has the tag of what does; else another local process can say falsely
        that it is of this run, and is ended with it then.
        """
        ours = [pid for pid in _pids() if is_believed(pid)]
        watchers = [(start_time(pid), pid) for pid in ours if _watches(pid, place)]
        began, watcher = min(watchers, default=(0, 0))  # older than all that the run has started
        groups = Path(cgroup.home() or "/nowhere").glob(f"{cgroup.PREFIX}{place.name}.*")
        home = next((cgroup.Cgroup(str(path)) for path in groups), None)
        family = [*descendants(watcher), *(home.pids() if home else ())] if watcher else ours
        return cls(
            tags=tuple(sorted({tag for pid in family for tag in _tags(pid, place.name)})),
            watcher=(watcher, began) if watcher else None,
            home=home,
        )

    def after(self, earlier: Self | None) -> Self:
        """These, with what was known *earlier* where the system tells that it still is so, or that
        never changes: a run may have put anything into its directory since.
        """
        if earlier is None or not tells_of_processes():
            return self
        return type(self)(
            tags=earlier.tags or self.tags,
            watcher=earlier.watcher if earlier.supervisor() else self.watcher,
            leader=earlier.leader or self.leader,
            home=self.home or earlier.home,
        )

    def supervisor(self) -> int | None:
        """The process number of the live supervisor; 0 if it is in a place from which this one sees
        no processes.
        """
        pid, began = self.watcher or (None, 0)
        return None if pid and tells_of_processes() and not lives(pid, began) else pid

    def lives(self) -> bool:
        """Whether anything of the run does."""
        return self.supervisor() is not None or bool(self.processes())

    def processes(self) -> list[int]:
        """The live processes of the run, its supervisor not among them."""
        watcher = self.supervisor() or 0
        found = {pid for tag in self.tags or (b"",) for pid in members(tag, watcher)}
        return [*{*found, *(self.home.pids() if self.home else ())}]

    def group(self, of: Container[int]) -> int | None:
        """The process group of the command, if its main process lives and is one *of* the run's
        processes, as far as the system tells.
        """
        pid, began = self.leader or (0, 0)
        if not pid or start_time(pid) != began:
            return None
        return pid if pid in of or not tells_of_processes() else None


def _pids() -> Iterator[int]:
    names = (path.name for path in Path("/proc").iterdir())
    return (int(name) for name in names if name.isdigit())


def _tags(pid: int, run: str) -> Iterator[bytes]:
    start = f"{TAG}={run}.".encode()
    for text in told(pid, "environ").split(b"\0"):
        if text.startswith(start) and len(text) == len(start) + 2 * TAG_BYTES:
            yield text.partition(b"=")[2]


def _watches(pid: int, place: Path) -> bool:
    """Whether a process is the supervisor of a run, by where it works or what it is marked with:
    the links are as the system writes them, which looks at nothing there.
    """
    if PROGRAM.encode() not in told(pid, "cmdline").split(b"\0"):
        return False
    with suppress(OSError):
        if Path(f"/proc/{pid}/cwd").readlink() == place:
            return True
        mark = Path(f"/memfd:{MARK}{place.name} (deleted)")
        with os.scandir(f"/proc/{pid}/fd") as files:
            return any(Path(file).readlink() == mark for file in islice(files, MOST_FILES))
    return False
