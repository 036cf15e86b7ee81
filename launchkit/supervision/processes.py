"""Which processes belong to a run, as the operating system tells."""

# pathlib and contextlib cost time and memory, so it does without:
# ruff: noqa: PTH112, PTH115, PTH123, PTH208, SIM105

import ctypes
import os
import signal
from collections.abc import Iterable

TAG = "LAUNCHKIT_PROCESS_TAG"
"""Each process of a run has this variable, with the run's tag in it, unless it gets rid of it."""
MOST_TOLD = 64 * 1024
"""Bytes that are read of what a process has a say in, such as its environment: with `PR_SET_MM` it
may be as large as it wants. To read so much takes hardly longer than to open the file, so all
processes of a machine are looked through in the time that their number takes. The tag of a run is
the first variable that its command gets.
"""
MARK = "launchkit-run:"
"""Before the name of a run in that of a file in memory, which its supervisor keeps open: so the
system tells whose it is, wherever its directory was moved.
"""
DEAD = b"ZX"
MOST_LOOKS = 1000
"""Looks at the children of this process before all others are looked for again."""
MOST_REAPED = 1000
"""Children that are reaped between two looks: others may end as fast as they are."""
_NAMESPACES = ("mnt", "pid", "user")
"""A container has at least the first for itself, also one that sees all processes."""
_DEATH_SIGNAL, _SUBREAPER, _IS_SUBREAPER = 1, 36, 37
_libc = ctypes.CDLL(None)
_prctl = getattr(_libc, "prctl", None)
"""Of Linux alone: see https://man7.org/linux/man-pages/man2/prctl.2.html."""


def adopt_orphans() -> None:
    """Become the parent of what descends from this process and loses its own parent."""
    if _prctl is not None:
        _prctl(_SUBREAPER, 1, 0, 0, 0)


def adopts_orphans() -> bool:
    """Whether this process does so: then nothing that descends from it is left when it has no
    children.
    """
    answer = ctypes.c_int(0)
    asked = _prctl is not None and _prctl(_IS_SUBREAPER, ctypes.byref(answer), 0, 0, 0) == 0
    return asked and bool(answer.value)


def die_with(parent: int) -> None:
    """Be killed when *parent* dies, which is this process' parent, or was."""
    if _prctl is not None:
        _prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def mark(run: str) -> None:
    """Be known as the supervisor of a run, where the system tells of such files."""
    try:
        os.memfd_create(MARK + run)
    except (AttributeError, OSError):
        pass


def tagged(tag: bytes, *but: int) -> list[int]:
    """The live processes of this machine that say the tag of a run and are believed; none if it
    has no tag yet.
    """
    if not tag:
        return []
    wanted = TAG.encode() + b"=" + tag
    found = []
    for pid in _all():
        if pid not in but:
            environ = told(pid, "environ")
            if wanted in environ and wanted in environ.split(b"\0") and is_believed(pid):
                found.append(pid)
    return found


def is_believed(pid: int) -> bool:
    """Whether what a process says of itself counts: if it is of this user, and sees the machine as
    this one does. A tag is no secret, it stands in the log of a run that prints its variables, so
    a container may have that of a run with which it has nothing to do.
    """
    users = told(pid, "status").partition(b"\nUid:")[2].partition(b"\n")[0].split()
    if {*users} != {b"%d" % os.geteuid()}:  # also of what another user has run setuid
        return False
    return all(_namespace(pid, kind) == _namespace("self", kind) for kind in _NAMESPACES)


def descendants(root: int) -> list[int]:
    """The live processes that a process has started, and those that they have, as far as their
    parents live or *root* is the one that gets their children.
    """
    children: dict[int, list[int]] = {}
    for pid in _all():
        fields = told(pid, "stat").rpartition(b")")[2].split()
        if fields and fields[0] not in DEAD:
            children.setdefault(int(fields[1]), []).append(pid)
    found = []
    parents = [root]
    while parents:
        born = children.pop(parents.pop(), [])
        found += born
        parents += born
    return found


def members(tag: bytes, supervisor: int) -> list[int]:
    """The live processes of a run, without its supervisor, which is 0 if it does not live: what
    descends from that, wherever it went, and what says the tag and is believed.
    """
    found = {*tagged(tag), *(descendants(supervisor) if supervisor else ())}
    return [*(found - {supervisor})]


def left(tag: bytes) -> list[int]:
    """The live processes of a run that this process supervises; those that have ended are reaped.
    None is certain where orphans are adopted and there is no child.
    """
    if _is_childless() and adopts_orphans():
        return []
    return members(tag, os.getpid())


def kill_children() -> None:
    """SIGKILL to the children of this process, and to what becomes one meanwhile, as what forks and
    ends does: their list is read in less time than a process takes to start another.
    """
    for _ in range(MOST_LOOKS):
        if _is_childless():
            return
        for pid in told("thread-self", "children").split():
            send(int(pid), signal.SIGKILL)


def start_time(pid: int) -> int:
    """When a process started, in clock ticks since boot: tells it from a later one of its
    number. 0 if there is no such process, or no way to know.
    """
    fields = told(pid, "stat").rpartition(b")")[2].split()
    return int(fields[19]) if fields else 0


def lives(pid: int, began: int) -> bool:
    """Whether the process of that number and start time has not ended."""
    fields = told(pid, "stat").rpartition(b")")[2].split()
    return bool(fields) and int(fields[19]) == began and fields[0] not in DEAD


def told(pid: int | str, name: str) -> bytes:
    """What the kernel tells of a process in the file of that name, no more of it than `MOST_TOLD`;
    nothing if the process is gone or another user's.
    """
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.read(MOST_TOLD)
    except OSError:
        return b""


def send(pid: int, number: int, *, group: bool = False) -> None:
    """Send a signal to a process or a process group that may be gone."""
    try:
        (os.killpg if group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def reap(pid: int) -> None:
    """Forget a child, if it has ended."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def _namespace(process: int | str, kind: str) -> str:
    """The one of that kind that a process is in; nothing if the kernel does not tell."""
    try:
        return os.readlink(f"/proc/{process}/ns/{kind}")
    except OSError:
        return ""


def _all() -> Iterable[int]:
    names = os.listdir("/proc") if os.path.isdir("/proc") else ()
    return (int(name) for name in names if name.isdigit())


def _is_childless() -> bool:
    try:
        for _ in range(MOST_REAPED):
            if not os.waitpid(-1, os.WNOHANG)[0]:
                break
    except ChildProcessError:
        return True
    return False
