"""What Docker's own command line sends of a directory, and what launchkit does."""

import io
import os
import random
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from waiting import PATIENCE

from launchkit.errors import Rejected
from launchkit.images.context import list_context
from launchkit.images.dockerignore import parse_dockerignore

FILES = ("a", "a.pt", "main.py", "w/a", "w/m.pt", "w/x/m.pt", "w/x/^b[c", "wx/y.d/pt", "x/w/x")
PLAIN = ("a", "w", "x", "m.pt", "w/x", "**.pt", "**x", "**/x", "w**", "w/**", "**/w/x", "main.py")
ODD = (".", "/", "/w/", "./a", "w/../x", "a^", "^b", "x\\", "\\[")
PIECES = ("a", "w", "x", "m", "pt", ".", "*", "**", "?", "/", "[a-x]", "[^a]", "\\.", "d")
KEPT = ("w", "w/x", "w/x/m.pt", "a", "wx", "x/w", " w")


@dataclass
class Engine:
    """Takes builds for an Engine, and keeps what was sent."""

    contexts: list[bytes] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        contexts = self.contexts

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            answer: ClassVar = b'{"stream": "Successfully built 0123456789ab\\n"}\r\n'

            def do_HEAD(self) -> None:
                self.send_response(200)
                self.send_header("API-Version", "1.41")
                self.send_header("OSType", "linux")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                contexts.append(b"".join(self.chunks()))
                self.send_response(200)
                self.send_header("Content-Length", str(len(self.answer)))
                self.end_headers()
                self.wfile.write(self.answer)

            def chunks(self) -> Iterator[bytes]:
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@dataclass
class Cli:
    """Docker's command line."""

    url: str
    engine: Engine

    def sent(self, code: Path) -> set[str] | None:
        """The files that it sends of a directory; None if it refuses the rules."""
        self.engine.contexts.clear()
        env = {**os.environ, "DOCKER_HOST": self.url, "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(
            ["docker", "build", "--quiet", code],
            check=False,
            env=env,
            capture_output=True,
            timeout=PATIENCE,
        )
        if not self.engine.contexts:
            assert b"pattern" in done.stderr, done.stderr
            return None
        with tarfile.open(fileobj=io.BytesIO(self.engine.contexts[0])) as tar:
            return {member.name for member in tar if not member.isdir()}


@pytest.fixture
def cli() -> Iterator[Cli]:
    if not shutil.which("docker"):
        pytest.skip("Docker's command line is not installed")
    engine = Engine()
    server = ThreadingHTTPServer(("127.0.0.1", 0), engine.handler())
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Cli(f"tcp://127.0.0.1:{server.server_port}", engine)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    for name in (*FILES, "Dockerfile"):
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path / "code"


def sent(code: Path) -> set[str] | None:
    """The files that launchkit sends of a directory; None if it refuses the rules."""
    try:
        found = list_context(code, "Dockerfile")
    except Rejected:
        return None
    return {entry.path for entry in found if not stat.S_ISDIR(entry.kind)}


def generated(number: int) -> str:
    """Rules that a person could write, and some that nobody would."""
    chance = random.Random(number)

    def line() -> str:
        kind = chance.random()
        if kind < 0.3:
            return chance.choice(PLAIN)
        if kind < 0.4:
            return chance.choice(ODD)
        if kind < 0.6:
            return "!" + chance.choice(KEPT)
        return "".join(chance.choices(PIECES, k=chance.randint(1, 5)))

    return "".join(
        line() + chance.choice(["\n", "\r\n", " \n"]) for _ in range(chance.randint(1, 4))
    )


def test_rules_leave_out_what_dockers_command_line_leaves_out(code: Path, cli: Cli) -> None:
    strange = {}
    for number in range(120):
        rules = generated(number)
        (code / ".dockerignore").write_bytes(rules.encode())
        wanted, found = cli.sent(code), sent(code)
        if wanted != found:
            strange[rules] = (wanted, found)
    assert not strange


@pytest.mark.reported("F1a")
@pytest.mark.parametrize(
    ("rules", "left_out"),
    [
        ("**.pt", {"a.pt", "w/m.pt", "w/x/m.pt"}),
        ("**x", {"w/x/m.pt", "w/x/^b[c", "wx/y.d/pt", "x/w/x"}),
        ("w**", {"w/a", "w/m.pt", "w/x/m.pt", "w/x/^b[c", "wx/y.d/pt"}),
        ("**/m.pt\n!w", {"w/x/m.pt", "w/m.pt"}),
    ],
)
def test_stars_before_text_stand_for_any_beginning(
    rules: str, left_out: set[str], code: Path
) -> None:
    (code / ".dockerignore").write_text(rules)
    assert sent(code) == {*FILES, ".dockerignore", "Dockerfile"} - left_out


@pytest.mark.parametrize("piece", ["a", "?"])
def test_a_long_line_is_read_in_linear_time(piece: str) -> None:
    """By steps that grow with the square of the length it would last for minutes."""
    assert len(parse_dockerignore(piece * 100_000, ".dockerignore").lines) == 1
