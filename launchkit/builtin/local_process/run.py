"""One run on this machine: watched through its directory and its supervisor's process."""

import logging
import os
import signal
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Run
from launchkit.builtin.local_process import verdicts
from launchkit.builtin.local_process.holes import Holes
from launchkit.builtin.local_process.rundir import RunDir, RunDirState
from launchkit.errors import LaunchError, RunLost
from launchkit.model import LogChunk, RunState, RunStatus
from launchkit.plain_text import tail_lines
from launchkit.supervision.processes import send

log = logging.getLogger("launchkit.local_process")

CHUNK_BYTES = 1 << 20
LOST_NOTE = (
    b"\nlaunchkit: the rest of the output is lost: the file that it was written to is something"
    b" else now, or has a hole\n"
)
STUCK_SECONDS = 5.0
"""How long a supervisor may go on when nothing is left of its run."""


class ProcessRun(Run):
    """A run of the kind `local-process`; `ref` is the path of its directory."""

    def __init__(self, place: RunDir, *, keep: bool = False) -> None:
        self.ref = str(place.path)
        self._dir = place
        self._keep = keep
        self.holes = Holes(place.log)
        """Where a full disk may have swallowed output."""
        self._end: RunStatus | None = None
        self._size: int | None = None
        """How long the output was at the end."""
        self._cancelled = False
        self._over = anyio.Event()

    async def status(self) -> RunStatus:
        """Look once. No end is told before what is left of the run is ended, too."""
        if self._end:
            return self._end
        seen = await run_sync(self._dir.look)
        if seen.record is not None:
            await self._force_end()
            end = await run_sync(self._ended, seen.record)
        elif seen.supervisor is not None:
            return verdicts.alive(seen)
        elif not (seen.started or seen.cancelled):
            raise RunLost(f"{self.ref}: this run was never started, or its directory was removed")
        else:
            await self._force_end()
            end = await run_sync(self._lost, seen)
        self._size = await run_sync(self._dir.log_size)
        self._end = end
        self._over.set()
        return end

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for a status other than *last*: for the end of the supervisor, except while it
        starts the command, which takes a moment only.
        """
        pause = 0.005
        while (now := await self.status()) == last:
            if now.state is RunState.RUNNING:
                await self._supervisor_gone()
            else:
                await anyio.sleep(pause)
                pause = min(pause * 1.5, 0.2)
        return now

    async def cancel(self, grace: float) -> None:
        """SIGTERM to all its processes, after *grace* seconds SIGKILL, until none is left.

        :raises LaunchError: if the system does not let it look or signal; to be tried again.
        """
        try:
            if not (await self.status()).state.ended:
                await self._cancel(grace)
        except OSError as exc:
            raise LaunchError(f"{self.ref}: the run cannot be ended: {exc}") from exc

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """The output from byte *offset* on, in pieces of at most 1 MiB, until all was given that
        was there at the end; where the run has replaced or stretched the file, the rest is lost.
        """
        idle_since = anyio.current_time()
        while True:
            over = self._over.is_set()  # before the read: then nothing comes after it
            if data := await run_sync(self._read_log, offset):
                yield LogChunk(offset=offset, data=data)
                offset += len(data)
                idle_since = anyio.current_time()
            elif over:
                if words := await run_sync(self._last_words, offset):
                    yield LogChunk(offset=offset, data=words)
                return
            else:
                await self._pause(idle_since)

    async def aclose(self) -> None:
        """Remove the directory of an ended run, unless the runner is to keep it."""
        try:
            seen = await run_sync(self._dir.look)
            if seen.record is not None:
                await self._supervisor_gone()
            elif seen.supervisor is not None:
                return
            if not self._keep:
                await run_sync(self._dir.remove)
        except OSError as exc:
            log.warning("%s: cannot be removed: %s", self.ref, exc)

    async def _cancel(self, grace: float) -> None:
        self._cancelled = True
        try:
            await run_sync(self._dir.mark_cancelled, time.monotonic() + grace)
        except OSError as exc:
            log.warning("%s: that it is stopped cannot be noted there: %s", self.ref, exc.strerror)
            await self._cancel_unmarked(grace)
            return
        with anyio.move_on_after(grace):
            await run_sync(self._signal, signal.SIGTERM, signal.SIGCONT)
            await self._supervisor_gone()
        await self._force_end()

    async def _cancel_unmarked(self, grace: float) -> None:
        """End a run whose supervisor finds no mark, and would start what comes next: it is halted
        before anything else is, and never goes on.
        """
        with anyio.move_on_after(grace):
            await self._halt_supervisor()
            await run_sync(self._signal, signal.SIGTERM, signal.SIGCONT)
            while await run_sync(self._dir.processes):  # noqa: ASYNC110 - nothing tells us
                await anyio.sleep(0.05)
        await self._force_end(patience=0)

    async def _halt_supervisor(self) -> None:
        while pid := await run_sync(self._dir.supervisor):
            send(pid, signal.SIGSTOP)
            if _is_halted(pid):
                return
            await anyio.sleep(0.001)

    async def _pause(self, idle_since: float) -> None:
        """Wait a while, or for the end of the run, before the output is looked at again."""
        pause = max(0.02, min(0.5, (anyio.current_time() - idle_since) / 8))
        with anyio.move_on_after(pause):
            await self._over.wait()
        if self._dir.supervisor() is None:
            await self.status()

    def _read_log(self, offset: int) -> bytes:
        self.holes.look()
        size = CHUNK_BYTES
        if self._over.is_set():
            size = max(0, min(size, (self._size or 0) - offset))
        return self._dir.read_log(offset, size)

    def _last_words(self, offset: int) -> bytes:
        """What is to stand at the end of the output, of which *offset* bytes were given."""
        if self._size is None or self._size > offset:
            return LOST_NOTE
        return self.holes.last_words(offset)

    async def _supervisor_gone(self) -> None:
        pid = self._dir.supervisor()
        if pid:
            await _exit_of(pid, self._dir)
            _reap(pid)

    async def _force_end(self, patience: float = STUCK_SECONDS) -> None:
        stuck = anyio.current_time() + patience
        pause = 0.005
        while await run_sync(self._kill, anyio.current_time() >= stuck):
            await anyio.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        if cgroup := await run_sync(self._dir.cgroup):
            await run_sync(cgroup.end)

    def _signal(self, *numbers: int) -> None:
        found = self._dir.processes()
        group = self._dir.group(found)
        others = [pid for pid in found if _group_of(pid) != group]
        for number in numbers:
            if group:
                send(group, number, group=True)
            for pid in others:
                send(pid, number)

    def _kill(self, stuck: bool) -> bool:
        """SIGKILL to all of its processes; tells whether there were any."""
        left = self._dir.processes()
        if group := self._dir.group(left):
            send(group, signal.SIGKILL, group=True)
        if cgroup := self._dir.cgroup():
            cgroup.kill()
        for pid in left:
            send(pid, signal.SIGKILL)
        watcher = self._dir.supervisor()
        if watcher:  # it ends by itself when its child has, unless something holds it up
            send(watcher, signal.SIGKILL if stuck else signal.SIGCONT)
        return bool(left or watcher)

    def _ended(self, record: Mapping[str, str]) -> RunStatus:
        return verdicts.ended(record, self._dir.spec, self._dir.tail("output.log"))

    def _lost(self, seen: RunDirState) -> RunStatus:
        evidence = self._dir.tail("output.log") + b"\n" + self._dir.tail("supervisor.log")
        cancelled = seen.cancelled or self._cancelled
        return verdicts.lost(tail_lines(evidence), cancelled=cancelled)


async def _exit_of(pid: int, place: RunDir) -> None:
    """Wait until a supervisor is gone: at once where the system can tell of it, else by looking."""
    with suppress(AttributeError, OSError):
        fd = os.pidfd_open(pid)
        try:
            if place.supervisor() == pid:  # else its number may be another process's by now
                await anyio.wait_readable(fd)
        finally:
            os.close(fd)
    while place.supervisor() == pid:  # noqa: ASYNC110 - nothing tells us
        await anyio.sleep(0.2)


def _reap(pid: int) -> None:
    """Supervisors are nobody's children, which is to say those of process 1: that may be us."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _is_halted(pid: int) -> bool:
    """Whether a process does nothing until it gets SIGCONT, as far as the system tells."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in b"Tt"
    except OSError:
        return True


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
