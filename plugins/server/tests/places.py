"""A real service and agents, each a process of its own, in a folder."""

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from ports import free_port
from waiting import PATIENCE, until

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: what this machine trusts takes longer to read than most answers."""
LAUNCHKIT = (sys.executable, "-m", "launchkit")


class Place:
    """A folder with a service's data, and the words to reach it."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token_file = folder / "admin-token"
        self.env: Mapping[str, str] = {
            **os.environ,
            **env,
            "LAUNCHKIT_BACKEND": self.url,
            "LAUNCHKIT_TOKEN_FILE": str(self.token_file),
        }

    @property
    def server_words(self) -> Sequence[str]:
        data = ("--data", str(self.folder / "data"), "--admin-token-file", str(self.token_file))
        return ("server", "--port", str(self.port), *data)

    @contextmanager
    def server(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.process(*self.server_words) as process:
            self.wait(self.ready)
            yield process

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [*LAUNCHKIT, *words], env=self.env, stdout=log, stderr=log, cwd=self.folder
            )

    @contextmanager
    def process(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        process = self.start(*words)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=PATIENCE, verify=NO_TLS).is_success
        except httpx.HTTPError:
            return False

    def wait(self, holds: Callable[[], bool]) -> None:
        try:
            with start_blocking_portal() as portal:  # a test that asks may itself be in a loop
                portal.call(until, holds)
        except TimeoutError:
            pytest.fail(self.logs())

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.glob("*.log"))

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [*LAUNCHKIT, *words], env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}\n{self.logs()}"
        return done.stdout
