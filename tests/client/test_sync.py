"""The facade that blocks: made from the async classes, and as good as they are."""

import gc
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE

import launchkit.sync
from launchkit import Agent
from launchkit.errors import NotFound
from launchkit.model import ItemState


def launched(code: Path, entry_point: Sequence[str]) -> tuple[list[str], ItemState, str]:
    with launchkit.sync.connect() as client:
        run = client.launch("examples", uri=str(code), entry_point=entry_point)
        lines = list(run.logs(follow=True))
        return lines, run.wait(timeout=PATIENCE).state, run.item.exit_code == 0 and run.id


async def test_it_works_in_a_thread_of_a_program_with_its_own_loop(
    agent: Agent, code: Path, entry_point: list[str]
) -> None:
    lines, state, run = await anyio.to_thread.run_sync(launched, code, entry_point)
    assert (lines, state, bool(run)) == (["one", "two"], ItemState.FINISHED, True)


def test_errors_come_as_themselves(url: str) -> None:
    with launchkit.sync.connect(url) as client, pytest.raises(NotFound, match="no launch"):
        client.launched("none")


def test_an_error_of_the_caller_passes_unchanged(url: str) -> None:
    with pytest.raises(ZeroDivisionError), launchkit.sync.connect(url):
        _ = 1 / 0


def test_handles_that_calls_give_are_blocking_too(url: str, code: Path) -> None:
    with launchkit.sync.connect(url, actor="ann") as client:
        client.create_queue("examples", "local-process")
        run = client.launch("examples", uri=str(code), entry_point=["true"])
        assert isinstance(run, launchkit.sync.LaunchHandle)
        assert (client.actor, run.item.author, run.stop().state) == ("ann", "ann", "stopped")
        assert isinstance(run.requeue(), launchkit.sync.LaunchHandle)
        assert [event.cause for event in run.changes()] == ["launched", "stop requested"]


def test_an_iterator_that_outlives_its_client_does_no_harm(url: str, code: Path) -> None:
    with launchkit.sync.connect(url) as client:
        client.create_queue("examples", "local-process")
        run = client.launch("examples", uri=str(code), entry_point=["true"])
        events = iter(run.changes())
        assert next(events).cause == "launched"
    del events
    gc.collect()


def test_names_and_documentation_are_those_of_the_async_class() -> None:
    assert launchkit.sync.Client.launch.__doc__ == launchkit.Client.launch.__doc__
    assert launchkit.sync.Client.__doc__ == launchkit.Client.__doc__


def test_an_interruption_ends_a_call(url: str, code: Path) -> None:
    script = f"""
import launchkit
with launchkit.sync.connect() as client:
    client.create_queue('q', 'local-process')
    run = client.launch('q', uri={str(code)!r}, entry_point=['true'])
    try:
        print('waits', flush=True)
        run.wait()
    except KeyboardInterrupt:
        print('state', run.view().item.state)
"""
    command = [sys.executable, "-W", "error", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "waits\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE)[0] == "state queued\n"
