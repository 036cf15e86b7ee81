"""Servers that say no end of something cost bounded memory, and nothing outside of the checkout."""

import os
import resource
import signal
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import anyio
import pytest
from served import answered_by
from sources.conftest import Repository, source
from waiting import PATIENCE

from launchkit.builtin.git import GitFetcher
from launchkit.builtin.git_command import Git
from launchkit.errors import FetchError
from launchkit.model import GitSource

MIB = 1024**2
COMMIT = "a" * 40
MANY = 1000
CAPABILITIES = "side-band-64k shallow allow-tip-sha1-in-want allow-reachable-sha1-in-want"


def packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


def listed(names: str) -> bytes:
    return b"".join(packet(f"{COMMIT} {line}\n".encode()) for line in names.splitlines())


class _Server(BaseHTTPRequestHandler):
    """A git server of the first protocol."""

    def send_begin(self, service: str, **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"application/x-git-upload-pack-{service}")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def say(self, data: bytes, times: int = 1) -> None:
        with suppress(OSError):  # git has gone, as it should
            for _ in range(times):
                self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Print nothing."""


class _EndlessNames(_Server):
    """It lists four gibibytes of branches in a few mebibytes."""

    def do_GET(self) -> None:
        self.send_begin("advertisement", Content_Encoding="gzip")
        packing = zlib.compressobj(wbits=31)
        begin = packet(b"# service=git-upload-pack\n") + b"0000" + listed(f"HEAD\0{CAPABILITIES}")
        self.say(packing.compress(begin))
        names = listed("\n".join(f"refs/heads/{'b' * 900}{n:04}" for n in range(MANY)))
        self.say(packing.compress(names) + packing.flush(zlib.Z_FULL_FLUSH))
        again = zlib.compressobj(wbits=-15)
        self.say(again.compress(names) + again.flush(zlib.Z_FULL_FLUSH), 4 * 1024)


class _EndlessMessage(_Server):
    """It has very much to tell instead of a pack."""

    def do_GET(self) -> None:
        self.send_begin("advertisement")
        self.say(packet(b"# service=git-upload-pack\n") + b"0000")
        self.say(listed(f"HEAD\0{CAPABILITIES}\nrefs/heads/main") + b"0000")

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_begin("result")
        self.say(packet(f"shallow {COMMIT}".encode()) + b"0000")
        if asked.endswith(b"done\n"):
            self.say(packet(b"NAK\n"))
            self.say(packet(b"\x02" + b"x" * 60_000 + b"\n"), 1_000_000)


@pytest.fixture
def endless_names() -> Iterator[str]:
    with answered_by(_EndlessNames) as host:
        yield f"http://{host}/r"


@pytest.fixture
def endless_message() -> Iterator[str]:
    with answered_by(_EndlessMessage) as host:
        yield f"http://{host}/r"


@pytest.mark.parametrize("ref", ["main", COMMIT])
async def test_a_server_that_lists_without_end_costs_no_more_memory_than_git_may_have(
    ref: str, endless_names: str, into: Path
) -> None:
    fetcher = GitFetcher(memory_bytes=64 * MIB)
    with pytest.raises(FetchError, match="Out of memory") as caught:
        await fetcher.fetch(GitSource(remote=endless_names, ref=ref), into)
    assert "bounded amount of memory" in str(caught.value.hint)


async def test_a_server_that_talks_without_end_is_cut_short(
    endless_message: str, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.builtin.git_command.OUTPUT_BYTES", MIB)
    git = Git(subject="s")
    await git.run("init", "--quiet", cwd=into)
    with pytest.raises(FetchError, match=f"git said more than {MIB} bytes"):
        await git.run("fetch", "--quiet", "--depth=1", endless_message, "main", cwd=into)


async def test_what_git_says_is_kept_in_no_temporary_file(
    repository: Repository, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    monkeypatch.setenv("TMPDIR", "/nowhere")
    await GitFetcher().fetch(source(repository), into)
    assert (into / "train.py").exists()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a shell script in the place of git."""
    place = tmp_path / "programs" / "git"
    place.parent.mkdir()
    monkeypatch.setenv("PATH", f"{place.parent}:{os.environ['PATH']}")

    def write(script: str) -> None:
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)

    return write


@pytest.mark.parametrize("stream", [1, 2])
async def test_git_is_ended_as_soon_as_it_says_too_much(
    stream: int, program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.builtin.git_command.OUTPUT_BYTES", MIB)
    program(f"exec yes >&{stream}")
    with pytest.raises(FetchError, match="git said more than"), anyio.fail_after(PATIENCE):
        await Git(subject="s").run("status")


async def test_what_git_says_at_last_is_known_though_a_helper_of_its_stays(
    program: Callable[[str], None], tmp_path: Path
) -> None:
    program(f"sleep 600 & echo $! > {tmp_path}/helper; printf '%50000s.' x; exit 0")
    try:
        with anyio.fail_after(PATIENCE):
            said = await Git(subject="s").run("status")
    finally:
        os.kill(int((tmp_path / "helper").read_text()), signal.SIGKILL)
    assert (len(said), said[-2:]) == (50001, "x.")


async def test_each_process_of_gits_has_the_memory_that_it_may_have(
    program: Callable[[str], None],
) -> None:
    program("ulimit -d")
    said = await Git(subject="s", memory_bytes=64 * MIB).run("status")
    assert int(said) * 1024 == 64 * MIB + 8 * MIB * (os.cpu_count() or 1)


async def test_too_many_open_files_are_told_as_that(program: Callable[[str], None]) -> None:
    program("true")
    opened: list[int] = []
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 50, before[1]))
    try:
        for left in (0, 3):
            with suppress(OSError):
                while True:
                    opened.append(os.dup(0))
            for _ in range(left):
                os.close(opened.pop())
            with pytest.raises(FetchError, match="git cannot be started: Too many open files"):
                await Git(subject="s").run("status")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for one in opened:
            os.close(one)
    await Git(subject="s").run("status")
