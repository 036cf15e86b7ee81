"""A Docker Engine of the tests' own: it can be stopped, killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from docker_engine import Engine
from services import skip_if_hidden, skip_without
from waiting import PATIENCE

CONTAINERD = """\
version = 2
root = "{folder}/containerd/root"
state = "{folder}/exec/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/exec/c"
[ttrpc]
address = "{folder}/exec/c.ttrpc"
"""
STARTS = 5
DAEMON = ("unshare", "--net", "dockerd", "--iptables=false", "--ip6tables=false")
"""In a network of its own: two daemons in one would take away each other's bridge."""


class OwnEngine(Engine):
    """A daemon with all that it has in one directory; gone without a trace at the end."""

    command: tuple[str, ...] = DAEMON

    def __init__(self, *flags: str, apart: bool = False) -> None:
        """With *flags* of dockerd; its containerd goes on *apart* from it, as where Docker's
        packages start them, or else comes and goes with it.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="lk-"))  # a socket's path must be short
        self.flags = flags
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}"
        self._apart = apart
        self._daemon: subprocess.Popen[bytes] | None = None
        self._containerd: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        transport = httpx.HTTPTransport(uds=str(self.socket))
        self.http = httpx.Client(transport=transport, base_url="http://docker", timeout=PATIENCE)
        try:
            if self._apart:
                self._start_containerd()
            self.start()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not self.answers():
                self.stop()
                self.start()
            self.remove_containers()
        finally:
            self._clear()

    def start(self) -> None:
        """Start it, and wait until it answers. One that gives up, because its containerd took a
        quarter of a minute on a busy machine, is started again, as a service manager does.

        :raises RuntimeError: if it does not answer.
        """
        end = time.monotonic() + PATIENCE
        for _ in range(STARTS):
            self._daemon = self._launched()
            while self._daemon.poll() is None and time.monotonic() < end:
                if self.answers():
                    return
                time.sleep(0.05)
            self._end(subprocess.Popen.kill)
        raise RuntimeError("\n".join((self.folder / "log").read_text().splitlines()[-5:]))

    def _launched(self) -> "subprocess.Popen[bytes]":
        places = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "pid"}
        command = [*self.command, "--host", self.url, *self.flags]
        for flag, name in places.items():
            command += [flag, str(self.folder / name)]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _start_containerd(self) -> None:
        (self.folder / "exec").mkdir()
        config = self.folder / "containerd.toml"
        config.write_text(CONTAINERD.format(folder=self.folder))
        command = ["containerd", "--config", str(config)]
        with (self.folder / "containerd.log").open("ab") as log:
            self._containerd = subprocess.Popen(command, stdout=log, stderr=log)
        self.flags += ("--containerd", str(self.folder / "exec/c"))

    def stop(self) -> None:
        """Have it end as when its machine shuts down: containers end, unless it restores them."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """Let it die as in a crash: its containers go on for now, containerd dies with it."""
        self._end(subprocess.Popen.kill)

    def cut_power(self) -> None:
        """Let it die with all its containers, none of which it sees end."""
        ids = [each["Id"] for each in self.containers()]
        states = [self.http.get(f"/containers/{one}/json").json()["State"] for one in ids]
        self.kill()
        self._kill_shims()
        for pid in filter(None, (state["Pid"] for state in states)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _end(self, how: Callable[["subprocess.Popen[bytes]"], None]) -> None:
        if self._daemon is not None:
            how(self._daemon)
            self._daemon.wait(PATIENCE)
            self._daemon = None
            self._end_containerd()

    def _end_containerd(self) -> None:
        """The daemon's own may outlast it for a while, also when it is told to end: the next daemon
        would take it for its own, and give up when it is gone.
        """
        place = self.folder / "exec/containerd"
        while self._kill_all(str(place / "containerd.toml")):
            time.sleep(0.02)
        (place / "containerd.pid").unlink(missing_ok=True)  # until init has reaped it, it "lives"

    def _clear(self) -> None:
        self.http.close()
        self.stop()
        if self._containerd is not None:
            self._containerd.terminate()
            self._containerd.wait(PATIENCE)
        self._kill_shims()
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            place = mount.split()[1]
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", place], check=True)
        shutil.rmtree(self.folder)

    def _kill_shims(self) -> None:
        """Those whose daemon was killed may stay when their containers have ended."""
        self._kill_all(f"{self.folder}/exec")

    def _kill_all(self, word: str) -> int:
        """Kill what was started with such a word, as long as it lives; how many there were."""
        found = 0
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if word.encode() in path.read_bytes():
                    found += 1
                    os.kill(int(path.parent.name), signal.SIGKILL)
        return found


@contextmanager
def own_engine(*flags: str, apart: bool = False) -> Iterator[OwnEngine]:
    """A Docker Engine that nobody else uses, see there."""
    skip_if_hidden("docker")
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        skip_without("dockerd and root, for a Docker Engine of one's own")
    with OwnEngine(*flags, apart=apart) as engine:
        yield engine
