"""The demo runs in containers where a Docker Engine answers, and in local processes elsewhere."""

import os
import runpy
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiodocker
import anyio
import pytest
from shared import one_at_a_time
from waiting import PATIENCE

pytestmark = pytest.mark.long

DEMO = Path(__file__).parents[2] / "docs" / "examples" / "demo.py"
PROCESSES = "Runs local processes, not containers: "


NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """May no more than anybody, also if root runs the tests."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(user)


def run_demo(**env: str) -> str:
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def docker_is_ready() -> Callable[[], Awaitable[bool]]:
    ready: Callable[[], Awaitable[bool]] = runpy.run_path(str(DEMO))["docker_is_ready"]
    return ready


@pytest.mark.usefixtures("docker_engine", "python_image")
def test_the_demo_runs_in_containers() -> None:
    with one_at_a_time("demo"):  # it removes its image, which has the same name each time
        out = run_demo()
    assert "--resource local-container" in out
    assert PROCESSES not in out


@pytest.mark.usefixtures("docker_engine", "python_image")
async def test_an_engine_that_has_other_images_need_not_have_the_one_that_is_wanted() -> None:
    demo = runpy.run_path(str(DEMO))
    async with aiodocker.Docker() as engine:
        assert await demo["is_there"](engine, demo["PYTHON"])
        assert not await demo["is_there"](engine, "launchkit-none:1")


def test_the_demo_runs_in_local_processes(tmp_path: Path) -> None:
    out = run_demo(DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert "--resource local-process" in out
    assert PROCESSES in out


@pytest.mark.parametrize(
    "host",
    ["unix:///none/docker.sock", "unix:///dev/null", "tcp://127.0.0.1:1", "tcp://h:port", "none"],
)
async def test_where_no_engine_answers_jobs_are_local_processes(
    docker_is_ready: Callable[[], Awaitable[bool]],
    host: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert not await docker_is_ready()
    assert capsys.readouterr().out.startswith(PROCESSES)


async def test_a_socket_without_permission_is_no_engine(
    docker_is_ready: Callable[[], Awaitable[bool]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    async with await anyio.create_unix_listener(tmp_path / "docker.sock", mode=0o000):
        with as_nobody():
            assert not await docker_is_ready()
    assert capsys.readouterr().out.startswith(PROCESSES)
