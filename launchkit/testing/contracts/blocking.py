"""What blocks the event loop: known kinds are seen by Python's audit events, so that no clock can
err, and all others by a thread beside it.

See https://docs.python.org/3/library/audit_events.html.
"""

import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import anyio

FILES = frozenset({"open", "os.scandir", "os.listdir", "os.mkdir", "os.link", "os.symlink"}) | {
    "os.rename",
    "os.remove",
    "os.chmod",
    "os.utime",
    "os.truncate",
    "shutil.copyfile",
    "shutil.copytree",
    "shutil.move",
    "shutil.rmtree",
    "tempfile.mkstemp",
}
"""Events of work on files; their first argument is a path, except for those given by a number."""


@dataclass
class _Watch:
    thread: int
    places: tuple[str, ...]
    seen: list[str] = field(default_factory=list)

    def look(self, event: str, args: tuple[object, ...]) -> None:
        if event == "os.system" or (event == "subprocess.Popen" and _waits(sys._getframe())):  # noqa: SLF001 - the stack is what is looked at
            self.seen.append(f"it waits for the program {args[0]!s}")
        elif event == "socket.connect" and _blocks(args[0]):
            self.seen.append(f"it connects to {args[1]!s} by a socket that blocks")
        elif event in FILES and (path := self._watched(args)):
            self.seen.append(f"it works on the file {path} ({event})")

    def _watched(self, args: tuple[object, ...]) -> str | None:
        for arg in args[:2]:
            path = arg.decode(errors="replace") if isinstance(arg, bytes) else str(arg)
            if path.startswith(self.places):
                return path
        return None


_watches: list[_Watch] = []
_lock = threading.Lock()
_hooked = False


@contextmanager
def watched_for_blocking(places: Sequence[Path]) -> Iterator[list[str]]:
    """Gives what this thread, the event loop's, did meanwhile that others had to wait for: sleep,
    connect, wait for a program, or work on files below *places*.
    """
    watch = _Watch(threading.get_ident(), tuple(f"{place}" for place in places))
    _hook_once()
    _watches.append(watch)
    sys.setprofile(_called)
    try:
        yield watch.seen
    finally:
        _watches.remove(watch)
        if not _watches:
            sys.setprofile(None)


def _hook_once() -> None:
    """Such a hook cannot be taken out again; without watches it does nothing."""
    global _hooked  # noqa: PLW0603 - one for the life of the process
    with _lock:
        if not _hooked:
            sys.addaudithook(_heard)
            _hooked = True


def _heard(event: str, args: tuple[object, ...]) -> None:
    for watch in tuple(_watches):
        if watch.thread == threading.get_ident():
            watch.look(event, args)


def _called(frame: FrameType, event: str, arg: object) -> None:
    """Only newer versions of Python have an audit event of `time.sleep`."""
    if arg is time.sleep:
        for watch in _watches:
            watch.seen.append("it sleeps with time.sleep")


def _waits(frame: FrameType | None) -> bool:
    """Whether a program is started by one of the functions that wait until it ends."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "subprocess" and frame.f_code.co_name == "run":
            return True
        frame = frame.f_back
    return False


def _blocks(connection: object) -> bool:
    timeout = getattr(connection, "gettimeout", None)
    return timeout is not None and timeout() != 0


@dataclass
class _Turns:
    """What the system tells of a thread in this directory of /proc."""

    folder: Path
    ran: str = ""
    """How long it had run when it was looked at last."""

    def are_denied(self) -> bool:
        """Whether it would have gone on since the last look, and had no processor to run on."""
        try:
            state = (self.folder / "stat").read_text().rpartition(")")[2].split()[0]
            ran = (self.folder / "schedstat").read_text().split()[0]
        except OSError:  # another system than Linux
            return False
        before, self.ran = self.ran, ran
        return state == "R" and ran == before


@asynccontextmanager
async def unblocked(promise: str, ticks: int = 40) -> AsyncIterator[None]:
    """Fail the test if the event loop stands still inside, while a thread beside it goes on for
    *ticks* of 25 milliseconds: a slow machine slows both, or is seen to.
    """
    over = threading.Event()
    missed = worst = 0
    turns = _Turns(Path(f"/proc/self/task/{threading.get_native_id()}"))

    def watch() -> None:
        nonlocal missed, worst
        while not over.wait(0.025):
            missed += not turns.are_denied()
            worst = max(worst, missed)

    async def beat() -> None:
        nonlocal missed
        while True:
            missed = 0
            await anyio.sleep(0.01)

    watcher = threading.Thread(target=watch, name="watch on the event loop")
    watcher.start()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(beat)
            yield
            tasks.cancel_scope.cancel()
    finally:
        over.set()
        watcher.join()
    assert worst < ticks, f"{promise}, but the event loop stood still for {worst * 25} ms"
