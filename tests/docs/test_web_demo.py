"""The demo of the web app fills it, and leaves nothing behind when it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port
from waiting import PATIENCE

pytestmark = pytest.mark.long

DEMO = Path(__file__).parents[2] / "docs" / "examples" / "web_demo.py"
SHOWN = "Ctrl-C ends it."


@contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo, which keeps everything below *folder*."""
    with subprocess.Popen(
        [sys.executable, str(DEMO), "--port", str(free_port())],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def left_by(folder: Path) -> list[str]:
    """The processes that know the folder as their home, and what is in it."""
    left = [str(one) for one in folder.iterdir()]
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in (place / "environ").read_bytes().decode(errors="replace"):
                left.append((place / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended, or is another user's
    return left


@pytest.mark.parametrize(
    ("moment", "word"),
    [
        ("queue create sweep", signal.SIGINT),
        ("job create", signal.SIGHUP),
        (SHOWN, signal.SIGTERM),
    ],
)
def test_the_demo_of_the_web_app_ends_with_all_that_it_has_begun(
    tmp_path: Path, moment: str, word: signal.Signals
) -> None:
    with demo(tmp_path) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if moment in line:
                break
        process.send_signal(word)
        rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said + rest
    assert "demo: ends what it has begun" in rest, said + rest
    assert ("demo: open http://127.0.0.1:" in said) == (moment == SHOWN)
    assert not left_by(tmp_path), said + rest


def test_a_demo_whose_port_is_taken_says_which_option_names_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, str(DEMO), "--port", port],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "--port names another port" in done.stderr
    assert "Address already in use" in done.stderr
    assert not left_by(tmp_path)
