"""How a run's processes are found where its directory tells nothing any more."""

from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from launchkit.builtin.local_process.rundir import RunDir
from launchkit.supervision import cgroup
from launchkit.supervision.forks import PROGRAM
from launchkit.supervision.processes import TAG, lives, members, start_time


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What was read there before, or else what the system tells."""

    tags: tuple[bytes, ...] = ()
    watcher: tuple[int, int] | None = None
    """The number and the start time of the supervisor."""
    home: cgroup.Cgroup | None = None

    @classmethod
    def left_in(cls, place: RunDir) -> Self:
        """Those that a run's directory tells of."""
        pid, tag = place.supervisor(), place.tag()
        return cls(
            tags=(tag,) if tag else (),
            watcher=(pid, start_time(pid)) if pid else None,
            home=place.cgroup(),
        )

    @classmethod
    def sought(cls, place: Path) -> Self:
        """Those that the system tells of the run of a directory, which is not looked into. A run
        can say falsely that it is this one; it is ended with it then.
        """
        tag, watcher = f"{TAG}={place.name}.".encode(), None
        tags = set()
        for pid in _pids():
            found = [text for text in _entries(pid, "environ") if text.startswith(tag)]
            tags |= {text.partition(b"=")[2] for text in found if b"." not in text[len(tag) :]}
            if PROGRAM.encode() in _entries(pid, "cmdline") and _place_of(pid) == str(place):
                watcher = pid, start_time(pid)
        groups = Path(cgroup.home() or "/nowhere").glob(f"{cgroup.PREFIX}{place.name}.*")
        home = next((cgroup.Cgroup(str(path)) for path in groups), None)
        return cls(tags=tuple(sorted(tags)), watcher=watcher, home=home)

    def after(self, earlier: Self | None) -> Self:
        """These, with what was known *earlier* where they tell nothing. A tag never changes."""
        if earlier is None:
            return self
        return type(self)(
            tags=earlier.tags or self.tags,
            watcher=self.watcher or earlier.watcher,
            home=self.home or earlier.home,
        )

    def supervisor(self) -> int | None:
        """The process number of the live supervisor."""
        pid, began = self.watcher or (0, 0)
        return pid if pid and lives(pid, began) else None

    def processes(self) -> list[int]:
        """The live processes of the run, its supervisor not among them."""
        watcher = self.supervisor() or 0
        found = {pid for tag in self.tags or (b"",) for pid in members(tag, watcher)}
        return [*{*found, *(self.home.pids() if self.home else ())}]

    def group(self, of: Container[int]) -> int | None:
        """None: the process group of the command stands in the directory alone."""
        return None

    def cgroup(self) -> cgroup.Cgroup | None:
        """The run's cgroup, if it has one."""
        return self.home


def _pids() -> Iterator[int]:
    names = (path.name for path in Path("/proc").iterdir())
    return (int(name) for name in names if name.isdigit())


def _entries(pid: int, name: str) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes().split(b"\0")
    return []


def _place_of(pid: int) -> str:
    """Where a process works, as the system writes it, which looks at nothing there."""
    with suppress(OSError):
        return str(Path(f"/proc/{pid}/cwd").readlink())
    return ""
