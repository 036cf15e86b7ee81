"""A run directory: everything that is known of one run, in files that outlive agent and run.

    code/           the code          output.log      what the run printed
    spec            what to run       started         it was started, once and for all
    lock            held while the supervisor lives   cancelled  it was told to stop, until when
    setup           setup has begun   child           number and start time of the main process
    exit            how it ended      supervisor.log  errors of the supervisor itself
    cgroup          where its cgroup is, if it has one      tag   what its processes are known by

Files that must be written on a full disk too have a place set aside: `child.tmp`, `exit.tmp` and
`cancelled.tmp`. A run may put anything in the place of each: what is no regular file is read as if
there were none, of the rest no more than a run directory needs, and what tells of processes counts
for those that are this run's. All methods touch the disk, and belong into a worker thread.
"""

import errno
import fcntl
import logging
import os
import secrets
import shutil
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launchkit.code.copy_tree import copy_tree
from launchkit.code.remove_tree import remove_tree
from launchkit.plain_text import LAST_BYTES
from launchkit.private_files import begin_file, write_new
from launchkit.supervision import cgroup
from launchkit.supervision.regular_files import open_regular, read_regular
from launchkit.supervision.spec import MOST_SPEC, Spec, parse_spec
from launchkit.supervision.supervisor import (
    OVER,
    RESERVED,
    TAG_BYTES,
    TAG_RECORD,
    overwrite,
    sync_dir,
)
from launchkit.supervision.unmounted import is_there

log = logging.getLogger("launchkit.local_process")

_FLOCK = "@qqihh" if sys.platform == "darwin" else "@hhqqi0q"
_ENDED = ".ended-"
MOST_PID = 1 << 22
"""The largest number that Linux gives to a process."""
MOST_HOLE = 1 << 16
"""Bytes in a row that nobody has written, as the file system tells, and that are read all the same:
some keep no zeros.
"""


@dataclass(frozen=True, kw_only=True)
class RunDirState:
    """One look at a run."""

    supervisor: int | None
    """The process number of the supervisor, if it lives."""
    record: Mapping[str, str] | None
    """How the run ended, as the supervisor left it."""
    started: bool
    cancelled: bool
    in_setup: bool
    running: bool
    """The command itself was started."""

    @property
    def is_told(self) -> bool:
        """Whether the directory tells of a run at all."""
        known = self.record is not None or self.supervisor is not None
        return known or self.started or self.cancelled


@dataclass(frozen=True)
class RunDir:
    """The directory of one run."""

    path: Path

    @property
    def log(self) -> Path:
        """What the run printed: standard output and standard error, in order."""
        return self.path / "output.log"

    @property
    def spec(self) -> Spec:
        """What was to be run."""
        return parse_spec(self._read("spec", MOST_SPEC))

    def look(self) -> RunDirState:
        """See how the run stands."""
        supervisor = self.supervisor()  # before the record, which is there when the lock is free
        return RunDirState(
            supervisor=supervisor,
            record=self._record(),
            started=self._has("started"),
            cancelled=self._has("cancelled"),
            in_setup=self._has("setup"),
            running=self._has("child"),
        )

    def supervisor(self) -> int | None:
        """The process number of the live supervisor, which holds the lock; 0 if it is in a place
        from which this one sees no processes.
        """
        try:
            fd = open_regular(self.path / "lock")
        except FileNotFoundError:
            return None
        try:
            holder = _lock_holder(fd)
        finally:
            os.close(fd)
        return holder if holder == 0 or (holder and self._has_within(holder)) else None

    def tag(self) -> bytes:
        """What its processes are known by; nothing if there is none, or it is another run's."""
        tag = self._read(TAG_RECORD, RESERVED).strip()
        start, _, token = tag.rpartition(b".")
        ours = start == os.fsencode(self.path.name) and len(token) == 2 * TAG_BYTES
        return tag if ours else b""

    def cgroup(self) -> cgroup.Cgroup | None:
        """The run's cgroup, while there is one."""
        return cgroup.recorded(str(self.path))

    def leader(self) -> tuple[int, int] | None:
        """The number and the start time that stand there for the main process of the command; a run
        may have put another's there.
        """
        try:
            pid, began = map(int, self._read("child", RESERVED).split())
        except ValueError:  # a power cut may have left it empty
            return None
        return (pid, began) if 0 < pid <= MOST_PID else None

    def mark_cancelled(self, until: float) -> None:
        """Note that the run was told to stop, and may end by itself *until* that monotonic time.
        The supervisor has set space aside for it; a mark that cannot be renewed stays as it is.

        :raises OSError: if there is no mark and none can be made.
        """
        aside = self.path / f".cancelled-{secrets.token_hex(4)}"
        try:
            with suppress(FileNotFoundError):
                (self.path / "cancelled.tmp").rename(aside)
            overwrite(str(aside), str(until).encode())
            aside.replace(self.path / "cancelled")
        except OSError:
            if not self._has("cancelled"):
                raise
        finally:
            aside.unlink(missing_ok=True)

    def write(self, name: str, data: bytes) -> None:
        """Write one of the files, whole or not at all."""
        aside = self.path / f".{name}-{secrets.token_hex(4)}"
        try:
            write_new(aside, data)
            aside.replace(self.path / name)
        finally:
            aside.unlink(missing_ok=True)

    def take_code(self, code: Path) -> None:
        """Move a directory with code to its place, unless one is there from an earlier try, or from
        one at the same time.
        """
        target = self.path / "code"
        if target.exists():
            remove_tree(code)
            return
        try:
            code.rename(target)
        except OSError as exc:
            if exc.errno == errno.EXDEV:
                self._copy_code(code, target)
            elif not target.exists():
                raise
            remove_tree(code)

    def tail(self, name: str) -> bytes:
        """The last bytes of one of the files, for `tail_lines`; nothing if there is none."""
        try:
            with os.fdopen(open_regular(self.path / name), "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
                return file.read(LAST_BYTES)
        except FileNotFoundError:
            return b""

    def read_log(self, offset: int, size: int) -> bytes:
        """At most *size* bytes of the output from *offset* on; nothing from a long hole on."""
        try:
            with os.fdopen(open_regular(self.log), "rb", buffering=0) as file:
                size = min(size, _readable(file.fileno(), offset))
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError:
            return b""

    def log_size(self) -> int | None:
        """How long the output is now; None if there is something else in the place of its file."""
        try:
            file = open_regular(self.log)
        except FileNotFoundError:
            return None if is_there(self.log) else 0
        try:
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def remove(self) -> None:
        """Delete it, such that a half-deleted run is never seen, but leave a mark that a run of
        this name is over: an agent that slept on its way to `submit` would run it again.

        :raises OSError: if there is no room for the mark, if the directory cannot be moved, or if
            something stays in the run's cgroup.
        """
        self._end_cgroup()
        if not self.path.is_symlink():  # which a run may have put there
            for large in (self.path / "code", self.log):
                remove_tree(large)  # first: a full disk has no room for the mark
        over = self.path.parent / OVER
        over.mkdir(mode=0o700, exist_ok=True)
        begin_file(over / self.path.name)
        with suppress(FileNotFoundError):
            remove_tree(_aside(self.path))

    def is_over(self) -> bool:
        """Whether a run of this name has ended and was removed."""
        return (self.path.parent / OVER / self.path.name).exists()

    def sync(self) -> None:
        """Make its new names survive a power cut."""
        sync_dir(str(self.path))
        sync_dir(str(self.path.parent))

    def _end_cgroup(self) -> None:
        group = self.cgroup()
        if group and not group.end():
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), group.path)

    def _has_within(self, pid: int) -> bool:
        """Whether a process works in this directory, as its supervisor does, as far as the system
        tells: a run may have put the lock of another in the place of its own, or a link to the
        directory of another.
        """
        if not tells_of_processes():
            return True
        with suppress(OSError):
            return os.path.samestat(self.path.lstat(), Path(f"/proc/{pid}/cwd").stat())
        return False

    def _has(self, name: str) -> bool:
        return is_there(self.path / name)

    def _read(self, name: str, most: int) -> bytes:
        try:
            return read_regular(self.path / name, most)
        except FileNotFoundError:
            return b""

    def _record(self) -> Mapping[str, str] | None:
        try:
            text = read_regular(self.path / "exit", RESERVED).decode(errors="replace")
        except FileNotFoundError:
            return None
        lines = (line.partition(" ") for line in text.splitlines() if line.strip())
        return {key: value for key, _, value in lines}

    def _copy_code(self, code: Path, target: Path) -> None:
        aside = self.path / f".code-{secrets.token_hex(4)}"
        try:
            copy_tree(code, aside, put_file=shutil.copy2, put_mode=shutil.copystat)
            aside.rename(target)
        except OSError as exc:
            if exc.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
        finally:
            remove_tree(aside)


def _readable(file: int, offset: int) -> int:
    """How many bytes from *offset* on can be read at once: up to the next hole, or a short one."""
    try:
        hole = os.lseek(file, offset, os.SEEK_HOLE)
        if hole > offset:
            return hole - offset
        short = os.lseek(file, offset, os.SEEK_DATA) - offset
    except OSError as exc:
        if exc.errno != errno.ENXIO:
            raise
        short = os.fstat(file).st_size - offset  # nothing but a hole, or it has ended
    return short if 0 < short <= MOST_HOLE else 0


def is_outdated(path: Path, now: float, days: float) -> bool:
    """Whether a directory is of a run that nobody will ask for any more: ended *days* ago, or
    prepared a day ago and never started.
    """
    if path.name.startswith(_ENDED):
        return True
    if not path.is_dir():
        return False
    seen = RunDir(path).look()
    limit = days if seen.started else 1
    return seen.supervisor is None and now - path.stat().st_mtime > limit * 86400


def end_leftovers(path: Path) -> None:
    """End what is in the cgroup of a run that nobody watches any more, and remove that."""
    place = RunDir(path)
    group = place.cgroup()
    if group and place.supervisor() is None and not group.end():
        log.warning("%s: something in this cgroup cannot be ended", group.path)


def prune(root: Path, now: float, days: float) -> None:
    """Remove the marks of runs that were over *days* ago."""
    over = root / OVER
    for path in over.iterdir() if over.is_dir() else ():
        if now - path.stat().st_mtime > days * 86400:
            path.unlink(missing_ok=True)


def clear_away(path: Path) -> Path:
    """Remove a directory that is outdated; gives where it would stand if it cannot be removed."""
    try:
        path = _aside(path)
    except OSError as exc:
        log.warning("%s cannot be cleared away: %s", path, exc.strerror)
    else:
        remove_tree(path)
    return path


def _aside(path: Path) -> Path:
    """Where a directory stands while it is removed; it is moved there in one step."""
    if path.name.startswith(_ENDED):
        return path
    return path.rename(path.with_name(f"{_ENDED}{path.name}-{secrets.token_hex(4)}"))


def tells_of_processes() -> bool:
    """Whether this system says which processes there are."""
    return Path("/proc/self/cwd").exists()


def _lock_holder(fd: int) -> int | None:
    """Who holds the whole-file lock. Asking does not take it, so no supervisor is turned away. One
    that is no process', but an open file's, is no supervisor's.
    """
    ours = (fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    if sys.platform == "darwin":
        ours = (0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
    answer = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack(_FLOCK, *ours)))
    kind, pid = (answer[3], answer[2]) if sys.platform == "darwin" else (answer[0], answer[4])
    return None if kind == fcntl.F_UNLCK or pid < 0 else pid
