"""Real git repositories, made in the test's own directory."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from served import answered_by

from launchkit.model import GitSource


class Repository:
    """A repository with a work tree, and the address that it is fetched from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"file://{path}"
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *args: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        command = ["git", *identity, "-c", "protocol.file.allow=always", *args]
        done = subprocess.run(command, cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], message: str = "change") -> str:
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


def source(repository: Repository, ref: str | None = None, commit: str | None = None) -> GitSource:
    """Code of a repository."""
    return GitSource(remote=repository.url, ref=ref, commit=commit)


@pytest.fixture
def make_repository(tmp_path: Path) -> Callable[[str], Repository]:
    return lambda name: Repository(tmp_path / name)


@pytest.fixture
def repository(make_repository: Callable[[str], Repository]) -> Repository:
    """A repository with one commit on `main`."""
    made = make_repository("project")
    made.commit({"train.py": "print('one')\n"})
    return made


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """An empty directory to fetch into."""
    path = tmp_path / "code"
    path.mkdir()
    return path


class _Unauthorized(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="private"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def unauthorized() -> Iterator[str]:
    """The address of a repository on a server that wants a password and takes none."""
    with answered_by(_Unauthorized) as host:
        yield f"http://{host}/o/r.git"
