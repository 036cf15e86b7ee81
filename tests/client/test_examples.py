"""Each public call of the Python API stands in an example, and each example runs."""

import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE

from launchkit import Agent, Client, LaunchHandle, QueueHandle
from launchkit.client.blocking import public

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples" / "api").glob("*.py"))


@pytest.mark.parametrize("cls", [Client, LaunchHandle, QueueHandle])
def test_each_public_call_stands_in_an_example(cls: type) -> None:
    texts = "\n".join(path.read_text() for path in EXAMPLES)
    names = [name for name, _ in public(cls)]
    assert [name for name in names if not re.search(rf"\.{name}\b", texts)] == []


@pytest.mark.parametrize("cls", [Client, LaunchHandle, QueueHandle])
def test_each_public_call_tells_what_it_does(cls: type) -> None:
    assert [name for name, value in public(cls) if not value.__doc__] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_runs(agent: Agent, example: Path) -> None:
    with anyio.fail_after(PATIENCE):
        done = await anyio.run_process(
            [sys.executable, "-W", "error", str(example)], stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert done.stdout
