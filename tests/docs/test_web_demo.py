"""The demo of the web app fills it, and leaves nothing behind."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import PATIENCE

pytestmark = pytest.mark.long

DEMO = Path(__file__).parents[2] / "docs" / "examples" / "web_demo.py"


def test_the_demo_of_the_web_app_fills_it() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    words = [sys.executable, str(DEMO), "--port", port, "--once"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"demo: open http://127.0.0.1:{port}/e/demo" in done.stdout
