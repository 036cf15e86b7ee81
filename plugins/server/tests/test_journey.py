"""From the command line to a run and back, through a real service that is killed on the way."""

import os
from pathlib import Path

import httpx
import pytest
from waiting import PATIENCE

from .places import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def code(folder: Path) -> Path:
    """A run that tells that it began, waits for a word, and tells that it ended."""
    made = folder / "code"
    made.mkdir()
    os.mkfifo(folder / "go")
    (made / "train.py").write_text(
        "import pathlib\n"
        f"here = pathlib.Path({str(folder)!r})\n"
        "with (here / 'began').open('a') as file: file.write('once\\n')\n"
        "print('it runs', flush=True)\n"
        "open(here / 'go').read()\n"
        "print('it ends', flush=True)\n"
    )
    return made


def test_a_run_survives_the_end_of_its_queue_service_and_happens_once(place: Place) -> None:
    with place.server() as server:
        place.run("queue", "create", "train", "-r", "local-process")
        place.run("launch", "-u", str(code(place.folder)), "-q", "train", "-E", "python train.py",
                  "--name", "one")  # fmt: skip
        with place.process("agent", "-q", "train"):
            place.wait((place.folder / "began").exists)
            server.kill()
            server.wait()
            with place.server():
                (place.folder / "go").write_text("go")
                place.run("wait", "one")
                assert "finished" in place.run("show", "one")
                assert "it runs\nit ends" in place.run("logs", "one")
    assert (place.folder / "began").read_text() == "once\n"
    assert oct(place.token_file.stat().st_mode & 0o777) == "0o600"


def test_what_a_dead_agent_held_is_taken_over_once_its_dead_service_is_back(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path, LAUNCHKIT_SERVER_LEASE="3600")
    with place.server() as server:
        place.run("queue", "create", "train", "-r", "local-process")
        place.run("launch", "-u", str(code(place.folder)), "-q", "train", "-E", "python train.py",
                  "--name", "one")  # fmt: skip
        with place.process("agent", "-q", "train") as agent:
            place.wait((place.folder / "began").exists)
            for process in (server, agent):
                process.kill()
                process.wait()
    with place.process("agent", "-q", "train"):
        place.wait(lambda: "trying again" in place.logs())
        with place.server():
            place.wait(lambda: "taken over" in place.run("show", "one"))
            (place.folder / "go").write_text("go")
            place.run("wait", "one")
            assert "it runs\nit ends" in place.run("logs", "one")
    assert (place.folder / "began").read_text() == "once\n"


def test_a_service_that_is_told_to_end_lets_go_of_all_who_wait(place: Place) -> None:
    with place.server() as server:
        headers = {"Authorization": f"Bearer {place.token_file.read_text().strip()}"}
        url = f"{place.url}/api/v1/entities/any/events/stream"
        with httpx.stream("GET", url, headers=headers, timeout=PATIENCE) as stream:
            server.terminate()
            assert ": come back" in [*stream.iter_lines()]
        assert server.wait(PATIENCE) == 0
