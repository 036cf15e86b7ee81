"""A cgroup of its own for each run, where this process may make one. It holds all that the run
starts, whatever that does to its parent, session and environment, and the kernel ends it at once.
It sets no limits. See https://docs.kernel.org/admin-guide/cgroup-v2.html.

A process is born in it: to move one there makes the whole machine wait, about 10 ms for each run.
"""

# pathlib and contextlib cost time and memory, so it does without:
# ruff: noqa: PTH102, PTH110, PTH112, PTH116, PTH118, PTH119, PTH120, PTH123
# ruff: noqa: SIM105

import ctypes
import errno
import os
import signal
import time
from collections.abc import Iterator

from launchkit.supervision.regular_files import open_regular, read_regular

RECORD = "cgroup"
"""In the run directory: where the run's cgroup is, noted before it is made."""
PREFIX = "launchkit-"
TOKEN_BYTES = 8
MOST_PATH = 4096
"""Bytes of a path, as Linux takes it."""
GONE_SECONDS = 1.0
"""How long what was killed may take to leave."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CLONE3, _INTO_CGROUP = 435, 0x200000000
_NUMBERS, _FLAGS, _EXIT_SIGNAL, _CGROUP = 11, 0, 4, 10
"""Of `struct clone_args`: see https://man7.org/linux/man-pages/man2/clone.2.html."""
_BOOTED_BY_SYSTEMD = "/run/systemd/system"
_DELEGATED = ("user.delegate", "trusted.delegate")
_libc = ctypes.PyDLL(None)
"""Keeps the interpreter's lock during a call, so that a child that is born in one has it."""
_syscall = _libc.syscall
_syscall.argtypes = (ctypes.c_long, ctypes.c_void_p, ctypes.c_size_t)
_syscall.restype = ctypes.c_long


class Cgroup:
    """The cgroup of a run."""

    def __init__(self, path: str) -> None:
        self.path = path

    def fork(self) -> int:
        """As `os.fork`, with the child in the cgroup if the system lets it; for a process of one
        thread, whose child soon becomes another program.
        """
        try:
            place = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return os.fork()
        try:
            pid = _clone_into(place)
        finally:
            os.close(place)
        return pid if pid >= 0 else os.fork()

    def pids(self) -> list[int]:
        """The live processes in it that this process can see."""
        found = []
        for parent, name in _tree(self.path):
            found += [int(pid) for pid in _read(f"{name}/cgroup.procs", parent).split()]
        return [pid for pid in found if pid > 0]

    def kill(self) -> None:
        """SIGKILL to all that is in it, and to what is born there meanwhile."""
        try:
            kill = open_regular(os.path.join(self.path, "cgroup.kill"), os.O_WRONLY)
        except OSError:
            return
        try:
            os.write(kill, b"1")
        except OSError:
            pass
        finally:
            os.close(kill)

    def end(self) -> bool:
        """End what is in it, and remove it; False if something stays."""
        deadline = time.monotonic() + GONE_SECONDS
        while not self._removed():
            if time.monotonic() > deadline:
                return False
            self.kill()
            time.sleep(0.002)
        return True

    def _removed(self) -> bool:
        for parent, name in _tree(self.path):
            try:
                os.rmdir(name, dir_fd=parent)
            except OSError:
                pass
        return not os.path.exists(self.path)


def home() -> str:
    """The cgroup of this process, if it is this process' to make others in; else nothing."""
    own = _own()
    writable = own and os.access(own, os.W_OK) and os.access(f"{own}/cgroup.procs", os.W_OK)
    return own if writable and _is_delegated(own) else ""


def begin(where: str, run: str) -> Cgroup | None:
    """Make the cgroup of a run within *where*, and note it in the working directory, which is the
    run's; none if that cannot be.
    """
    if not where:
        return None
    group = Cgroup(os.path.join(where, f"{PREFIX}{run}.{os.urandom(TOKEN_BYTES).hex()}"))
    try:
        _note(os.fsencode(group.path))
        os.mkdir(group.path, 0o700)
    except OSError:
        return None
    if os.path.exists(f"{group.path}/cgroup.kill"):  # since Linux 5.14
        return group
    group.end()
    return None


def recorded(run_dir: str) -> Cgroup | None:
    """The cgroup that is noted in a run directory, if there is one and it is that run's: what the
    note says is no reason to end anything else.
    """
    try:
        path = os.fsdecode(read_regular(os.path.join(run_dir, RECORD), MOST_PATH))
    except OSError:
        return None
    start, dot, token = os.path.basename(path).rpartition(".")
    ours = dot and start == PREFIX + os.path.basename(run_dir) and len(token) == 2 * TOKEN_BYTES
    return Cgroup(path) if ours and _is_cgroup(path) else None


def _is_cgroup(path: str) -> bool:
    """Whether a directory, no link to one, is a cgroup that can be ended at once."""
    try:
        device = os.lstat(path).st_dev
    except (OSError, ValueError):
        return False
    number = f"{os.major(device)}:{os.minor(device)}".encode()
    mounted = any(fields[2] == number for fields in _mounts())
    return mounted and os.path.exists(f"{path}/cgroup.kill")


def _note(path: bytes) -> None:
    """A note that was written in part is none, for it lacks the end of the name."""
    note = os.open(RECORD, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(note, path) < len(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(note)


def _clone_into(place: int) -> int:
    """Fork with the child in the cgroup of that directory; -1 if the system does not let it."""
    request = (ctypes.c_uint64 * _NUMBERS)()
    request[_FLAGS], request[_EXIT_SIGNAL], request[_CGROUP] = _INTO_CGROUP, signal.SIGCHLD, place
    return int(_syscall(_CLONE3, ctypes.byref(request), ctypes.sizeof(request)))


def _own() -> str:
    """The directory of this process' cgroup in the unified hierarchy; nothing if there is none."""
    lines = _read("/proc/self/cgroup").split(b"\n")
    path = next((line[3:] for line in lines if line.startswith(b"0::/")), b"")
    for fields in _mounts() if path else ():
        if fields[3] == b"/":
            own = os.fsdecode(fields[4] + path).rstrip("/")
            return own if os.path.isdir(own) and "/../" not in own + "/" else ""
    return ""


def _mounts() -> list[list[bytes]]:
    """What the kernel tells of each place where the unified hierarchy is: among others its device,
    what of it is there, and where that is.
    """
    lines = (line.partition(b" - ") for line in _read("/proc/self/mountinfo").split(b"\n"))
    return [what.split() for what, _, kind in lines if kind.startswith(b"cgroup2 ")]


def _is_delegated(own: str) -> bool:
    """Whether the manager of the machine's cgroups leaves this one to us, as `Delegate=yes` of a
    systemd unit says. Older systemd tells it only by whose the directory is.
    """
    if not os.path.isdir(_BOOTED_BY_SYSTEMD):
        return True
    for name in _DELEGATED:
        try:
            if os.getxattr(own, name) == b"1":
                return True
        except OSError:
            pass
    user = os.geteuid()
    return os.stat(own).st_uid == user != os.stat(os.path.dirname(own)).st_uid


def _tree(path: str) -> Iterator[tuple[int, str]]:
    """A directory and all that are in it, the innermost first: the one that each is in, which is
    open meanwhile, and its name. A run may make more of them in each other than Python calls
    functions in each other, and than a path has room for.
    """
    try:
        here = os.open(os.path.dirname(path), _FOLDER)
    except OSError:
        return
    way: list[str] = []
    names = [[os.path.basename(path)]]
    try:
        while names[-1] or way:
            if names[-1]:
                name = names[-1].pop()
                try:
                    here = _opened(name, here)
                except OSError:
                    continue
                way.append(name)
                names.append(_folders(here))
            else:
                names.pop()
                here = _opened("..", here)
                yield here, way.pop()
    except OSError:
        return  # where it was is removed by another
    finally:
        os.close(here)


def _opened(name: str, here: int) -> int:
    """Another directory in place of the one that is open. :raises OSError: it stays open then."""
    there = os.open(name, _FOLDER, dir_fd=here)
    os.close(here)
    return there


def _folders(here: int) -> list[str]:
    try:
        with os.scandir(here) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _read(path: str, folder: int | None = None) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return b""
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError:
        return b""
