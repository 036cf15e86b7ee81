"""One run on this machine: watched through its directory and its supervisor's process."""

import logging
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import anyio

from launchkit.abc import Run
from launchkit.builtin.local_process import verdicts
from launchkit.builtin.local_process.holes import Holes
from launchkit.builtin.local_process.reach import NoAnswer, Reach
from launchkit.builtin.local_process.rundir import RunDir, RunDirState, tells_of_processes
from launchkit.builtin.local_process.traces import Traces
from launchkit.errors import LaunchError, RunLost
from launchkit.model import LogChunk, RunState, RunStatus
from launchkit.plain_text import tail_lines
from launchkit.supervision.processes import send

log = logging.getLogger("launchkit.local_process")

T = TypeVar("T")
Args = TypeVarTuple("Args")

CHUNK_BYTES = 1 << 20
LOST_NOTE = (
    b"\nlaunchkit: the rest of the output is lost: the file that it was written to is something"
    b" else now, or has a hole\n"
)
STUCK_SECONDS = 5.0
"""How long a supervisor may go on when nothing is left of its run."""
FORCE_SECONDS = 60.0
"""How long what is left of a run may take to end after SIGKILL, before that is told."""


class ProcessRun(Run):
    """A run of the kind `local-process`; `ref` is the path of its directory. With *traces* its
    processes are found if that tells nothing any more.
    """

    def __init__(self, place: RunDir, *, keep: bool = False, traces: Traces | None = None) -> None:
        self.ref = str(place.path)
        self._dir = place
        self._reach = Reach(place.path)
        self._kernel = Reach(place.path)
        """Asks the system alone, and waits for no turn behind what waits in the directory."""
        self._traces = traces
        self._hidden = False
        """Whether it is ended without its directory."""
        self._keep = keep
        self.holes = Holes(place.log)
        """Where a full disk may have swallowed output."""
        self._end: RunStatus | None = None
        self._size: int | None = None
        """How long the output was at the end."""
        self._cancelled = False
        self._over = anyio.Event()

    async def status(self) -> RunStatus:
        """Look once. No end is told before what is left of the run is ended, too.

        :raises NoAnswer: if its directory does not answer, or cannot be read, or is not there any
            more while something of the run lives.
        :raises RunLost: if there is no such run any more.
        """
        try:
            return self._end or await (self._unseen() if self._hidden else self._seen())
        except OSError as exc:
            raise NoAnswer(self._dir.path, exc) from exc

    async def _seen(self) -> RunStatus:
        seen = await self._reach.promptly(self._look)
        if seen.record is not None:
            await self._force_end()
            end = await self._reach.promptly(self._ended, seen.record)
        elif seen.supervisor is not None:
            return verdicts.alive(seen)
        elif not seen.is_told:
            return await self._unseen()
        else:
            await self._force_end()
            end = await self._reach.promptly(self._lost, seen)
        self._size = await self._reach.promptly(self._dir.log_size)
        return self._ended_as(end)

    async def _unseen(self) -> RunStatus:
        """As far as the system tells."""
        if await self._kernel.promptly(self._lives):
            raise NoAnswer(self._dir.path)
        if self._cancelled:
            return self._ended_as(verdicts.lost((), cancelled=True))
        raise RunLost(f"{self.ref}: this run was never started, or its directory was removed")

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
        """SIGTERM to all its processes, after *grace* seconds SIGKILL, until none is left. Where
        its directory tells nothing, they are those that are known without it.

        :raises LaunchError: if the system does not let it look or signal; to be tried again.
        """
        try:
            try:
                if not (await self.status()).state.ended:
                    await self._cancel(grace)
            except (NoAnswer, OSError):
                await self._cancel_hidden(grace)
        except OSError as exc:
            raise LaunchError(f"{self.ref}: the run cannot be ended: {exc}") from exc

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """The output from byte *offset* on, in pieces of at most 1 MiB, until all was given that
        was there at the end; where the run has replaced or stretched the file, the rest is lost.
        """
        idle_since = anyio.current_time()
        while True:
            over = self._over.is_set()  # before the read: then nothing comes after it
            if data := await self._ask(self._read_log, offset):
                yield LogChunk(offset=offset, data=data)
                offset += len(data)
                idle_since = anyio.current_time()
            elif over:
                if words := await self._ask(self._last_words, offset):
                    yield LogChunk(offset=offset, data=words)
                return
            else:
                await self._pause(idle_since)

    async def aclose(self) -> None:
        """Remove the directory of an ended run, unless the runner is to keep it."""
        try:
            seen = await self._reach.promptly(self._look)
            if seen.record is not None:
                await self._supervisor_gone()
            elif seen.supervisor is not None:
                return
            if not self._keep:
                await self._reach.at_leisure(
                    self._dir.remove,
                )
        except (OSError, NoAnswer) as exc:
            log.warning("%s: cannot be removed: %s", self.ref, exc)

    async def _cancel(self, grace: float) -> None:
        self._cancelled = True
        try:
            await self._reach.promptly(self._dir.mark_cancelled, time.monotonic() + grace)
        except OSError as exc:
            log.warning("%s: that it is stopped cannot be noted there: %s", self.ref, exc.strerror)
            await self._cancel_unmarked(grace)
            return
        with anyio.move_on_after(grace):
            await self._ask(self._signal, signal.SIGTERM, signal.SIGCONT)
            await self._supervisor_gone()
        await self._force_end()

    async def _cancel_unmarked(self, grace: float) -> None:
        """End a run whose supervisor finds no mark, and would start what comes next: it is halted
        before anything else is, and never goes on, nor is it left so by one who is cancelled.
        """
        try:
            with anyio.move_on_after(grace):
                await self._halt_supervisor()
                await self._ask(self._signal, signal.SIGTERM, signal.SIGCONT)
                while await self._ask(self._processes):  # noqa: ASYNC110 - nothing tells us
                    await anyio.sleep(0.05)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(STUCK_SECONDS, shield=True):
                await self._force_end(patience=0)
            raise
        await self._force_end(patience=0)

    async def _cancel_hidden(self, grace: float) -> None:
        """End a run whose directory tells nothing; how it would have ended is not known then."""
        if not tells_of_processes():
            raise NoAnswer(self._dir.path)
        self._cancelled = self._hidden = True
        await self._cancel_unmarked(grace)
        self._ended_as(verdicts.lost((), cancelled=True))

    async def _halt_supervisor(self) -> None:
        while pid := await self._ask(self._supervisor):
            send(pid, signal.SIGSTOP)
            if _is_halted(pid):
                return
            await anyio.sleep(0.001)

    async def _pause(self, idle_since: float) -> None:
        """Wait a while, or for the end of the run, before the output is looked at again."""
        pause = max(0.02, min(0.5, (anyio.current_time() - idle_since) / 8))
        with anyio.move_on_after(pause):
            await self._over.wait()
        if await self._ask(self._supervisor) is None:
            await self.status()

    async def _ask(self, call: Callable[[*Args], T], *args: *Args) -> T:
        reach = self._kernel if self._hidden else self._reach
        return await reach.promptly(call, *args)

    def _look(self) -> RunDirState:
        seen = self._dir.look()
        if seen.supervisor is None and seen.is_told:
            return replace(seen, supervisor=self._known().supervisor())
        return seen

    def _known(self) -> Traces:
        """By what its processes are known now."""
        if not self._hidden:
            self._traces = Traces.left_in(self._dir).after(self._traces)
        elif self._traces is None:
            self._traces = Traces.sought(self._dir.path)
        return self._traces

    def _supervisor(self) -> int | None:
        """The process number of the live supervisor; the directory is not asked for one that is
        known to live.
        """
        if self._traces and tells_of_processes() and (pid := self._traces.supervisor()):
            return pid
        return self._known().supervisor()

    def _processes(self) -> list[int]:
        return self._known().processes()

    def _lives(self) -> bool:
        """Whether anything of it does, as the system tells alone."""
        known = self._traces or Traces.sought(self._dir.path)
        return known.lives()

    def _ended_as(self, end: RunStatus) -> RunStatus:
        self._end = end
        self._over.set()
        return end

    def _read_log(self, offset: int) -> bytes:
        size = CHUNK_BYTES
        if self._over.is_set():
            size = max(0, min(size, (self._size or 0) - offset))
            if self._size is None:  # there is no file any more, or it is not to be looked at
                return b""
        self.holes.look()
        return self._dir.read_log(offset, size)

    def _last_words(self, offset: int) -> bytes:
        """What is to stand at the end of the output, of which *offset* bytes were given."""
        if self._size is None or self._size > offset:
            return LOST_NOTE
        return self.holes.last_words(offset)

    async def _supervisor_gone(self) -> None:
        """Wait for its end: at once where the system can tell of it, else by looking."""
        pid = await self._ask(self._supervisor)
        if not pid:
            return
        with suppress(AttributeError, OSError):
            fd = os.pidfd_open(pid)
            try:
                # else its number may be another process's by now
                if await self._ask(self._supervisor) == pid:
                    await anyio.wait_readable(fd)
            finally:
                os.close(fd)
        while await self._ask(self._supervisor) == pid:  # noqa: ASYNC110 - nothing tells us
            await anyio.sleep(0.2)
        _reap(pid)

    async def _force_end(self, patience: float = STUCK_SECONDS) -> None:
        """:raises LaunchError: if something of it does not end."""
        began = anyio.current_time()
        pause = 0.005
        while await self._ask(self._kill, anyio.current_time() - began >= patience):
            if anyio.current_time() - began > FORCE_SECONDS:
                raise LaunchError(
                    f"{self.ref}: processes of the run go on {FORCE_SECONDS:g} s after SIGKILL:"
                    " they wait for a device, or start others faster than they are found; end them"
                    " by hand, or, if they go on for ever, restart the machine"
                )
            await anyio.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        if self._traces and self._traces.home:
            await self._kernel.promptly(self._traces.home.end)

    def _signal(self, *numbers: int) -> None:
        known = self._known()
        found = known.processes()
        group = known.group(found)
        others = [pid for pid in found if _group_of(pid) != group]
        for number in numbers:
            if group:
                send(group, number, group=True)
            for pid in others:
                send(pid, number)

    def _kill(self, stuck: bool) -> bool:
        """SIGKILL to all of its processes; tells whether there were any."""
        known = self._known()
        left = known.processes()
        if group := known.group(left):
            send(group, signal.SIGKILL, group=True)
        if known.home:
            known.home.kill()
        for pid in left:
            send(pid, signal.SIGKILL)
        watcher = known.supervisor()
        if watcher:  # it ends by itself when its child has, unless something holds it up
            send(watcher, signal.SIGKILL if stuck else signal.SIGCONT)
        return bool(left or watcher)

    def _ended(self, record: Mapping[str, str]) -> RunStatus:
        return verdicts.ended(record, self._dir.spec, self._dir.tail("output.log"))

    def _lost(self, seen: RunDirState) -> RunStatus:
        evidence = self._dir.tail("output.log") + b"\n" + self._dir.tail("supervisor.log")
        cancelled = seen.cancelled or self._cancelled
        return verdicts.lost(tail_lines(evidence), cancelled=cancelled)


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
