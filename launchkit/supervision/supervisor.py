"""Supervises one run: a small process that outlives the agent, forked for each run by the program
`forks`. It uses the standard library only, and as little of it as it can.

The run's environment is given to it over a socket, so that no secret is written anywhere. All
signals are blocked, and only SIGKILL and SIGSTOP reach it. In the run directory it reads `spec` and
`cancelled`, and writes `tag`, `started`, `cgroup`, `setup`, `child`, `output.log` and `exit`. A
lock on `lock`, which ends with the process however it ends, tells that it lives. What it started
does not outlive its trouble: where it cannot do its work, it ends the run before it writes an end.
"""

# pathlib and contextlib cost time and memory, so it does without:
# ruff: noqa: PTH103, PTH104, PTH118, PTH110, PTH112, PTH119, PTH123, SIM105

import errno
import fcntl
import os
import resource
import signal
import time

from launchkit.supervision import cgroup
from launchkit.supervision.cgroup import Cgroup
from launchkit.supervision.processes import (
    TAG,
    adopt_orphans,
    die_with,
    kill_children,
    left,
    mark,
    members,
    reap,
    send,
    start_time,
)
from launchkit.supervision.regular_files import open_regular, read_regular
from launchkit.supervision.spec import Spec, parse_spec
from launchkit.supervision.unmounted import is_there

OVER = ".over"
"""Beside the run directories: an empty file for each run that has ended and was removed."""
OLD_SETUP = ".old-"
"""In the name of a setup directory that is to be removed."""
TAG_RECORD = "tag"
"""In the run directory: what tells the run's processes from others; whom it is kept from, cannot be
taken for one of them, whatever variables it has.
"""
TAG_BYTES = 16
NEEDED = ("child", "exit", "cancelled")
"""What must be written while the run goes on. Space for it is set aside before the run starts, so
that a full disk hides neither how it ended nor that it was told to stop.
"""
RESERVED = 512
"""Bytes set aside for each of them."""
GONE_SECONDS = 10.0
"""How long processes may take to vanish after SIGKILL."""

Environ = dict[bytes, bytes]
Record = dict[str, object]


class Command:
    """What to start: the run itself, or its setup, which is held to no limits."""

    def __init__(
        self, spec: Spec, environ: Environ, group: Cgroup | None, *, setup: bool = False
    ) -> None:
        self.environ = environ
        self.group = group
        self.setup = setup
        self.supervisor = os.getpid()
        self.tag = environ[TAG.encode()]
        self.argv = spec["setup_arg" if setup else "arg"]
        self.candidates = spec["setup_try" if setup else "try"]
        self.cwd = spec["code" if setup else "cwd"][0]
        self.nice = 0 if setup else int(spec["nice"][0])
        self.limits = () if setup else tuple(spec.get("limit", ()))


def main(run_dir: str, environ: Environ, answer: int, home: str) -> None:
    """Supervise a run, unless it has been started before; the error's number, or 0, is written to
    the file *answer* as soon as it is known whether it starts. Its cgroup is made in *home*, if
    there is one.
    """
    os.chdir(run_dir)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT, 0o600)
    first = _locked(lock) and not os.path.exists("started") and not _is_over(run_dir)
    tag = os.path.basename(os.fsencode(run_dir)) + b"." + os.urandom(TAG_BYTES).hex().encode()
    error = _begin(tag) if first else 0
    _tell(answer, error)
    if not first or error:
        return
    environ = {TAG.encode(): tag, **environ}  # first, where it is always found
    mark(os.path.basename(run_dir))
    adopt_orphans()
    group = cgroup.begin(home, os.path.basename(run_dir))
    try:
        with open("spec", "rb") as file:
            spec = parse_spec(file.read())
        record = supervise(spec, environ, group)
    except OSError as exc:
        end_all(tag, group)
        cancelled = int(is_there("cancelled"))
        record = {"stage": "supervisor", "errno": exc.errno, "cancelled": cancelled}
    if group:
        group.end()
    write_record(record)


def supervise(spec: Spec, environ: Environ, group: Cgroup | None) -> Record:
    """Run setup and the command to their end, and say how they ended."""
    log = os.open("output.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    if "setup_dir" in spec:
        failure = run_setup(Command(spec, environ, group, setup=True), spec, log)
        if failure:
            return failure
    return run_command(Command(spec, environ, group), log)


def run_setup(command: Command, spec: Spec, log: int) -> Record | None:
    """Make the cached setup directory unless it is there; gives a record only if that failed."""
    os.close(os.open("setup", os.O_WRONLY | os.O_CREAT, 0o600))
    home = spec["setup_dir"][0]
    name = os.path.basename(home).decode()
    lock = os.open(home + b".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _setup_turn(lock, log):
            return {"stage": "cancelled", "cancelled": 1}
        if os.path.exists(home + b".done"):
            os.utime(home + b".done")
            say(log, f"setup {name} is in the cache")
            return None
        _empty(home)
        say(log, f"setup {name}: " + os.fsdecode(spec["setup_said"][0]))
        # The command inherits the lock: it stays held if only this supervisor is killed.
        os.set_inheritable(lock, True)
        record = run_command(command, log)
        if record["stage"] != "ran":
            return record
        if record["code"] or record["signal"]:
            return {**record, "stage": "setup"}
        os.close(open_regular(home + b".done", os.O_WRONLY | os.O_CREAT))
        say(log, f"setup {name} is done")
    finally:
        os.close(lock)
    return None


def run_command(command: Command, log: int) -> Record:
    """Run one command until its main process ends, then end what that left behind."""
    began = time.monotonic()
    ooms = _oom_kills()
    pid, failure = _spawn(command, log)
    unrecorded = 0 if failure or command.setup else _record_child(pid)
    wait_for(pid)
    cancelled = int(is_there("cancelled"))
    let_finish(command.tag)
    send(pid, signal.SIGKILL, group=True)
    _, status, usage = os.wait4(pid, 0)
    end_all(command.tag, command.group)
    if failure:
        stage, errno = failure.split()
        prefix = "setup-" if command.setup else ""
        return {"stage": prefix + stage, "errno": errno, "cancelled": cancelled}
    if unrecorded and os.WTERMSIG(status) == signal.SIGKILL:
        return {"stage": "unrecorded", "errno": unrecorded, "cancelled": cancelled}
    return {
        "stage": "ran",
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "cancelled": cancelled,
        "oom": int(_oom_kills() > ooms),
        "cpu": usage.ru_utime + usage.ru_stime,
        "max_rss_kib": usage.ru_maxrss,
        "ran": round(time.monotonic() - began, 3),
    }


def wait_for(leader: int) -> None:
    """Wait until the main process of a run has ended, and leave it unreaped, so that its number is
    not another's; what else ends is reaped.
    """
    while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)) and ended.si_pid != leader:
        reap(ended.si_pid)


def let_finish(tag: bytes) -> None:
    """Let what is left of a run that was told to stop use the time that it was given."""
    while time.monotonic() < _grace_end() and members(tag, os.getpid()):
        time.sleep(0.02)


def end_all(tag: bytes, group: Cgroup | None) -> None:
    """SIGKILL to all processes of the run that has the tag, until none is left."""
    deadline = time.monotonic() + GONE_SECONDS
    while (found := left(tag)) and time.monotonic() < deadline:
        if group:
            group.kill()
        for pid in found:
            send(pid, signal.SIGKILL)
        kill_children()
        time.sleep(0.002)


def sync_dir(path: str) -> None:
    """Make new names in a directory survive a power cut."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def say(log: int, text: str) -> None:
    """Add a line of launchkit's own to the run's output."""
    os.write(log, f"launchkit: {text}\n".encode(errors="surrogateescape"))


def write_record(record: Record) -> None:
    """Leave the exit record, whole or not at all."""
    text = "".join(f"{key} {value}\n" for key, value in record.items())
    overwrite("exit.tmp", text.encode(), sync=True)
    os.rename("exit.tmp", "exit")
    sync_dir(".")


def overwrite(path: str, data: bytes, *, sync: bool = False) -> None:
    """Write *data*, padded with spaces, into the space that a file has already.

    :raises OSError: if not all of it could be written, or something else is there.
    """
    with open(open_regular(path, os.O_WRONLY | os.O_CREAT), "wb", buffering=0) as file:
        if file.write(data.ljust(RESERVED)) < RESERVED:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if sync:
            os.fsync(file.fileno())


def _begin(tag: bytes) -> int:
    """Set space aside, and note the run's tag and that it was started; gives the error's number if
    it cannot.
    """
    try:
        overwrite(TAG_RECORD, tag)
        for name in NEEDED:
            overwrite(name + ".tmp", b"")
        os.close(os.open("started", os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as exc:
        return exc.errno or 1
    sync_dir(".")
    return 0


def _record_child(pid: int) -> int:
    """Note the command's process; one that cannot be is ended, and the error's number given."""
    try:
        overwrite("child.tmp", f"{pid} {start_time(pid)}\n".encode())
        os.rename("child.tmp", "child")
    except OSError as exc:
        send(pid, signal.SIGKILL, group=True)
        return exc.errno or 1
    return 0


def _is_over(run_dir: str) -> bool:
    """Whether the run has ended and was removed: an agent that slept must not repeat it."""
    root, name = os.path.split(run_dir)
    return os.path.exists(os.path.join(root, OVER, name))


def _locked(lock: int) -> bool:
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tell(writer: int, error: int) -> None:
    try:
        os.write(writer, bytes([error]))
    except BrokenPipeError:
        pass
    os.close(writer)


def _setup_turn(lock: int, log: int) -> bool:
    """Wait until no other run makes the same setup; False if the run is cancelled meanwhile."""
    waited = False
    while not is_there("cancelled"):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waited:
                say(log, "another run makes the same setup; waiting for it")
            waited = True
            time.sleep(0.05)
        else:
            return True
    return False


def _empty(home: bytes) -> None:
    """Make an empty directory; what stood there, however deep, goes aside and is removed."""
    if os.path.lexists(home):
        aside = home + OLD_SETUP.encode() + os.urandom(4).hex().encode()
        os.rename(home, aside)
        try:
            rm = os.posix_spawn("/bin/rm", ("rm", "-rf", aside), {}, setsigmask=())
            os.waitpid(rm, 0)
        except OSError:
            pass  # the agent removes it later, as it does what rm has left
    os.makedirs(home, 0o700)


def _grace_end() -> float:
    """Until when, on the monotonic clock, a cancelled run may go on; 0 if it is not cancelled."""
    try:
        return float(read_regular("cancelled", RESERVED) or 0)
    except (OSError, ValueError):
        return 0.0


def _oom_kills() -> int:
    """How many processes the kernel has killed on this machine for want of memory."""
    try:
        with open("/proc/vmstat", "rb", buffering=0) as file:
            words = file.read().split()
        return int(words[words.index(b"oom_kill") + 1])
    except (OSError, ValueError):
        return 0


def _spawn(command: Command, log: int) -> tuple[int, str]:
    """Start a process; gives its number, and if it could not become the command `stage errno`."""
    reader, writer = os.pipe()
    pid = command.group.fork() if command.group else os.fork()
    if not pid:
        stages = ["session"]
        errno: int | None = 0
        try:
            _become(command, log, stages)
        except (OSError, ValueError, MemoryError) as exc:
            errno = exc.errno if isinstance(exc, OSError) else 0
        finally:
            os.write(writer, f"{stages[-1]} {errno or 0}".encode())
            os._exit(127)
    os.close(writer)
    failure = os.read(reader, 100).decode()
    os.close(reader)
    return pid, failure


def _become(command: Command, log: int, stages: list[str]) -> None:
    """In the new process: turn into the command. Adds the name of each stage before it."""
    die_with(command.supervisor)
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    # Looked at only now: who cancels writes this file first and then signals all processes that
    # it finds. Either it finds this one, where the signal waits, or this one finds the file.
    if is_there("cancelled"):
        stages.append("cancelled")
        return
    stages.append("cwd")
    os.chdir(command.cwd)
    stages.append("nice")
    os.nice(command.nice)
    for limit in command.limits:
        name, soft, hard = limit.decode().split()
        stages.append(f"limit-{name}")
        resource.setrlimit(getattr(resource, name), (int(soft), int(hard)))
    stages.append("exec")
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _exec(command)


def _exec(command: Command) -> None:
    """Become the first candidate that can be started; what is not there is passed over."""
    refusal: OSError = FileNotFoundError(2, "")
    for path in command.candidates:
        try:
            os.execve(path, [path, *command.argv[1:]], command.environ)  # noqa: S606 - no shell on purpose
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as exc:
            if not os.path.isdir(path):
                refusal = exc
    raise refusal
