"""Forks supervisors, so that no run pays for the start of an interpreter: a small program that an
agent keeps while it lives, and what the agent asks it. What it has forked outlives both.
"""

# pathlib and contextlib cost time and memory, so the program does without:
# ruff: noqa: PTH100, PTH120

import errno
import os
import signal
import socket
import sys
from collections.abc import Mapping
from threading import Lock

from launchkit.supervision import cgroup, supervisor

PROGRAM = "import sys; sys.path.append(sys.argv[1]); from launchkit.supervision import forks; "
PROGRAM += "forks.main()"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that an interpreter may need to start; what runs get comes with the requests."""
SIZE_BYTES = 8
FILES = 2
"""With each request: where errors go, and where the answer is written."""


class ForkServer:
    """The program, as an agent sees it: started when it is first needed, and anew if it has died.
    Its methods block, and may be called by many threads at once.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._pid = 0
        self._socket: socket.socket | None = None
        self._closed = False

    def start(self, run_dir: str, environ: Mapping[str, str], errors: str) -> int:
        """Start the supervisor of a run, whose trouble is written to the file *errors*. Gives the
        number of the error for which it did not begin, 0 if it did or the run was started before,
        and -1 if it did not say.

        :raises OSError: if it cannot be asked.
        """
        pairs = (os.fsencode(f"{name}={value}") for name, value in environ.items())
        request = b"\0".join([os.fsencode(run_dir), *pairs])
        answer = self._ask(request, errors)
        return answer if answer >= 0 else self._ask(request, errors)  # it may have been killed

    def close(self) -> None:
        """End the program."""
        with self._lock:
            self._closed = True
            self._end()

    def _ask(self, request: bytes, errors: str) -> int:
        reader, writer = os.pipe()
        try:
            try:
                log = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    self._send(request, log, writer)
                finally:
                    os.close(log)
            finally:
                os.close(writer)
            answer = os.read(reader, 1)
        finally:
            os.close(reader)
        return answer[0] if answer else -1

    def _send(self, request: bytes, *files: int) -> None:
        with self._lock:
            try:
                self._sent(request, files)
            except (BrokenPipeError, ConnectionResetError):
                self._end()
                self._sent(request, files)

    def _sent(self, request: bytes, files: tuple[int, ...]) -> None:
        self._socket = self._socket or self._begun()
        size = len(request).to_bytes(SIZE_BYTES, "big")
        socket.send_fds(self._socket, [size], files)
        self._socket.sendall(request)

    def _begun(self) -> socket.socket:
        if self._closed:
            raise BrokenPipeError(errno.EPIPE, "the runner has ended")
        ours, theirs = socket.socketpair()
        try:
            signals = signal.valid_signals()
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", PROGRAM, ROOT],
                {name: os.environ[name] for name in LIBRARIES if name in os.environ},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
                setsigmask=signals,
                setsigdef=signals - {signal.SIGKILL, signal.SIGSTOP},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._pid:
            try:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass  # some programs reap all their children by themselves
            self._pid = 0


def main() -> None:
    """Serve the agent that has the other end of standard input, until it is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are reaped by the kernel
    home = cgroup.home()
    with socket.socket(fileno=0) as agent:
        while True:
            size, files, _, _ = socket.recv_fds(agent, SIZE_BYTES, FILES, socket.MSG_WAITALL)
            request = agent.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
            if len(files) < FILES or len(request) < int.from_bytes(size, "big"):
                return
            _fork(home, request, *files)


def _fork(home: str, request: bytes, errors: int, answer: int) -> None:
    try:
        pid = os.fork()
    except OSError as exc:
        os.write(answer, bytes([exc.errno or 1]))
        pid = 1
    if not pid:
        try:
            _supervise(home, request, errors, answer)
        except BaseException:  # noqa: BLE001 - the process ends here
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(0)  # nothing is left to clean up, and that takes time
    os.close(errors)
    os.close(answer)


def _supervise(home: str, request: bytes, errors: int, answer: int) -> None:
    """In the new process: watch the run."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, errors, errors)):
        os.dup2(file, number)
    os.close(errors)
    os.close(nothing)
    run_dir, *pairs = request.split(b"\0")
    environ = dict(pair.split(b"=", 1) for pair in pairs)
    supervisor.main(os.fsdecode(run_dir), environ, answer, home)
