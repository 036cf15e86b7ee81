"""What a run prints and leaves keeps nobody waiting: the agent's loop goes on, and other launches.

How long the loop was kept is told by the processor time of its thread, which is the same however
busy the machine is.
"""

import gc
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest
from agent import broken
from agent.conftest import Bench, text

import launchkit.agent.pump
from launchkit.codec import encode_json
from launchkit.model import ItemState, QueueItem

MOST_SECONDS = 0.25
"""Of processor time at once; what others do in the same cores makes each of their seconds worth
less.
"""

PRINTED = {
    "an escape sequence without an end": r"w(b'\x1b]' * 80_000)",
    "many escape sequences": r"w(b'\x1b[31m' * 400_000)",
    "a line without an end": r"w(b'a' * 20_000_000)",
    "many empty lines": r"w(b'\n' * 3_000_000)",
    "bytes that are no text": r"w(bytes(range(128, 256)) * 50_000)",
    "carriage returns": r"w(b'\r' * 3_000_000)",
    "words that are looked for": r"w(b'CUDA out of memory Killed MemoryError ' * 100_000)",
    "JSON without an end": r"w(b'{\"a\":[' * 500_000)",
}
LEFT = {
    "directories in each other": "[(os.mkdir('d'), os.chdir('d')) for _ in range(1500)]",
    "many files": "[open(f'f{n}', 'w').close() for n in range(20_000)]",
}


@dataclass
class Kept:
    """The longest that the loop was kept, in seconds of processor time."""

    longest: float = 0.0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Kept]:
    """Look at each turn of this loop how much of its thread's time the turn took."""
    kept = Kept()

    async def look() -> None:
        last = time.thread_time()
        while True:
            await anyio.sleep(0.001)
            now = time.thread_time()
            kept.longest = max(kept.longest, now - last)
            last = now

    gc.freeze()  # all that earlier tests have left is not looked through meanwhile
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            yield kept
            tasks.cancel_scope.cancel()
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("hostile", PRINTED)
async def test_what_a_run_prints_keeps_no_agent_from_its_work(bench: Bench, hostile: str) -> None:
    script = f"import sys; w = sys.stdout.buffer.write; {PRINTED[hostile]}; sys.exit(1)"
    run, other = await bench.launch(script), await bench.launch("print('still here')")
    async with bench.agent(max_jobs=2):
        await bench.ended(other)  # what is loaded first is no fault of the run
        async with watched_loop() as kept:
            assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert run.item.verdict.code == "user_exit"
    assert other.item.state is ItemState.FINISHED
    assert kept.longest < MOST_SECONDS


@pytest.mark.parametrize("hostile", LEFT)
async def test_what_a_run_leaves_keeps_no_agent_from_its_work(bench: Bench, hostile: str) -> None:
    run = await bench.launch(f"import os; {LEFT[hostile]}")
    other = await bench.launch("print('still here')")
    async with bench.agent(max_jobs=2):
        await bench.ended(other)
        async with watched_loop() as kept:
            assert await bench.ended(run) == [ItemState.FINISHED]
    assert kept.longest < MOST_SECONDS
    async with bench.agent() as agent:  # and one that starts anew starts
        assert agent.status


FORGE = r"""
import os, signal, sys
here = os.path.dirname(os.getcwd())
name, there = os.fsencode(here) + b"/code/\xff\xfe\x1b[31m", sys.argv[1:]
if there:
    open(name, "w").close()
with open(f"{here}/spec", "wb") as file:
    file.write(b"arg=" + b"\xff\x1b" * 1_000_000 + b"\0try=" + name + b"\0")
with open(f"{here}/exit", "w") as file:
    file.write("stage exec\nerrno 8\n")
os.kill(os.getppid(), signal.SIGKILL)
"""


def characters_of(item: QueueItem) -> int:
    return len(encode_json(item.verdict)) + len(item.message or "")


@pytest.mark.parametrize("there", [(), ("there",)])
async def test_of_what_a_run_says_of_its_end_as_much_is_told_as_people_read(
    bench: Bench, there: Sequence[str]
) -> None:
    run = await bench.launch(FORGE, *there)
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FAILED]
    assert run.item.verdict
    assert "could not be started" in run.item.verdict.summary or there
    assert characters_of(run.item) < 50_000


@pytest.fixture
def _fault(request: pytest.FixtureRequest) -> Iterator[None]:
    broken.faults.add(request.param)
    yield
    broken.faults.clear()


async def ended_by_plugin(bench: Bench) -> QueueItem:
    """A launch whose run has failed, as the plugin says it."""
    await bench.client.create_queue("much", "broken")
    run = await bench.launch("", queue="much")
    async with bench.agent(broken, queues=["much"]):
        assert await bench.ended(run) == [ItemState.FAILED]
    return run.item


@pytest.mark.parametrize("_fault", ["odd words"], indirect=True)
@pytest.mark.usefixtures("_fault")
async def test_a_run_ends_whatever_a_plugin_says_of_its_end(bench: Bench) -> None:
    assert "cannot be stored" in str((await ended_by_plugin(bench)).message)


@pytest.mark.parametrize("_fault", ["long words"], indirect=True)
@pytest.mark.usefixtures("_fault")
async def test_of_what_a_plugin_says_of_an_end_as_much_is_told_as_people_read(bench: Bench) -> None:
    assert characters_of(await ended_by_plugin(bench)) < 300_000


@pytest.mark.parametrize("_fault", ["much output"], indirect=True)
@pytest.mark.usefixtures("_fault")
@pytest.mark.parametrize("now", [True, False])
async def test_a_run_whose_output_has_no_end_can_be_stopped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, now: bool
) -> None:
    monkeypatch.setattr(launchkit.agent.pump, "REST_BYTES", 1 << 20)
    await bench.client.create_queue("much", "broken")
    run = await bench.launch("", queue="much")
    async with bench.agent(broken, queues=["much"]):
        async for _ in run.logs(follow=True):
            break
        await run.stop(now=now)
        assert await bench.ended(run) == [ItemState.FINISHED]  # it had ended by itself
    assert "its output from byte" in (await text(run))[-200:]
