"""The programs of a cluster: where they are, and how one is run, frozen and ended."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest
from services import skip_if_hidden, skip_without

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
KUBELET = "kubelet"
OF_DEBIAN = ("etcd", "openssl", "setpriv")
OF_A_NODE = ("dockerd", "conntrack", "ip", "nsenter", "runc", "socat", "unshare")
TOLD = os.environ.get("LAUNCHKIT_KUBERNETES_BIN")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = Path(TOLD or CACHE / "launchkit-kubernetes")
"""Looked up when this is imported: a test has a home of its own."""
NEVER_ALONE = ("setpriv", "--pdeathsig")
"""Has the kernel end a program when what started it dies, whatever the reason."""
GRACE = 1.0
"""Seconds: an API server that is told to end waits longer than tests for those that watch."""


def skip_without_programs(*, node: bool) -> None:
    """Skip a test where something is missing that a cluster needs. It fails instead where the
    environment says by `LAUNCHKIT_KUBERNETES_BIN` that the programs are there.
    """
    skip_if_hidden("kubernetes")
    if node:
        skip_if_hidden("docker")
    if missing := _missing(node=node):
        _give_up(", ".join(missing))


def _missing(*, node: bool) -> Sequence[str]:
    built = (*KUBERNETES, *((KUBELET,) if node else ()))
    installed = (*OF_DEBIAN, *(OF_A_NODE if node else ()))
    return [
        *(str(FOLDER / name) for name in built if not os.access(FOLDER / name, os.X_OK)),
        *(name for name in installed if not shutil.which(name)),
        *(("root",) if node and os.geteuid() != 0 else ()),
    ]


def _give_up(what: str) -> NoReturn:
    if TOLD is not None:
        pytest.fail(f"LAUNCHKIT_KUBERNETES_BIN is set, and this is missing: {what}")
    skip_without(what)


class Program:
    """A program that runs, or does not, any number of times.

    The kernel kills it when the thread dies that started it: start it from the main thread.
    """

    def __init__(self, *command: str | Path, log: Path) -> None:
        self.command = tuple(map(str, command))
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def started(self) -> bool:
        """Whether it was started, and nobody ended it since; it may have died."""
        return self._process is not None

    @property
    def runs(self) -> bool:
        """Whether it was started, and has not ended since."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.runs:
            return
        with self.log.open("ab") as log:
            command = (*NEVER_ALONE, "KILL", *self.command)
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, grace: float = GRACE) -> None:
        """Have it end by itself; it is killed if it takes too long."""
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self.kill()

    def kill(self) -> None:
        """Let it die as in a crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Have it do nothing, and keep its connections; waits until that is so."""
        if self._process is not None and self.runs:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Have it go on after it was frozen."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The end of its log, for errors."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join((f"{self.log.name}:", *lines[-15:]))
