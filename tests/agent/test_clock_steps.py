"""Somebody sets the clock of a machine by hours while two agents of one queue are at work."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent.conftest import Bench, running

from launchkit.model import ItemState

AGENT = """
import sys, time
from pathlib import Path
real, offset = time.time, Path(sys.argv.pop(1))
time.time = lambda: real() + float(offset.read_text())
from launchkit.cli import main
main()
"""
MARKED = """
import os, sys, time
with open(sys.argv[1], "a") as marks: marks.write(os.environ["LAUNCHKIT_RUN_ID"] + "\\n")
while not os.path.exists(sys.argv[2]): time.sleep(0.02)
"""
HOUR = 3600.0
real_time = time.time


@pytest.fixture
def offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says by how much the clock of this machine is off, for everyone on it."""
    path = tmp_path / "offset"
    path.write_text("0")
    monkeypatch.setattr(time, "time", lambda: real_time() + float(path.read_text()))
    return path


@pytest.fixture
def agents(bench: Bench, offset: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    config = bench.folder / "launch-config.yaml"
    config.write_text(f"state_dir: {bench.folder}/state\ncache_dir: {bench.folder}/cache\n")
    command = [sys.executable, "-c", AGENT, str(offset), "agent", "-q", "q", "-j", "4"]
    command += ["--config", str(config), "--backend", bench.url]
    with (bench.folder / "agent.log").open("ab") as log:
        made = [subprocess.Popen(command, stderr=log) for _ in range(2)]
    yield made
    for agent in made:
        agent.kill()
        agent.wait()


@pytest.mark.usefixtures("agents")
async def test_a_clock_that_is_set_by_hours_takes_no_launch_from_its_agent(
    bench: Bench, offset: Path
) -> None:
    marks, gate, now = bench.folder / "marks", bench.folder / "gate", bench.folder / "now"
    now.touch()
    held = [await bench.launch(MARKED, str(marks), str(gate)) for _ in range(3)]
    for run in held:
        await running(run)
    others = []
    for hours in (3, -3, 50, 0):
        (new := offset.with_suffix(".new")).write_text(str(hours * HOUR))
        new.replace(offset)
        more = [await bench.launch(MARKED, str(marks), str(now)) for _ in range(3)]
        assert await bench.ended(*more) == [ItemState.FINISHED] * 3
        others += more
    gate.touch()
    assert await bench.ended(*held) == [ItemState.FINISHED] * 3
    events = [event for run in (*held, *others) for event in await run.events()]
    assert not [event for event in events if event.kind == "lease"]
    assert Counter(marks.read_text().split()) == Counter(run.run_id for run in (*held, *others))
