"""What runs print."""

import resource
from pathlib import Path

import anyio
from local_process.runs import Make, output_of, printed
from waiting import PATIENCE

from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.testing import end_of, until, until_running

MIB = 1 << 20


async def test_output_keeps_its_bytes_and_its_order(runner: LocalProcessRunner, make: Make) -> None:
    run = await runner.submit(make("sh", "-c", r"printf '\377\000a'; printf b >&2; printf c"))
    await end_of(run)
    assert await output_of(run) == b"\xff\x00abc"
    assert await output_of(run, offset=3) == b"bc"
    assert await output_of(run, offset=6) == b""


async def test_output_is_given_while_the_run_goes_on(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(
        make("sh", "-c", "echo one; until [ -e go ]; do sleep 0.01; done; echo two")
    )
    seen = []
    with anyio.fail_after(PATIENCE):
        async for chunk in run.logs(0):
            seen.append((chunk.offset, chunk.data))
            (Path(run.ref) / "code" / "go").touch()
    assert seen == [(0, b"one\n"), (4, b"two\n")]


async def test_much_output_passes_in_little_memory(runner: LocalProcessRunner, make: Make) -> None:
    run = await runner.submit(make("sh", "-c", "yes | head -c 100000000"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = 0
    with anyio.fail_after(PATIENCE):
        async for chunk in run.logs(0):
            assert len(chunk.data) <= MIB
            size += len(chunk.data)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert size == 100_000_000
    assert grown_kib < 30_000


async def test_an_ended_run_leaves_nothing_when_it_is_closed(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("echo", "hi"))
    ended = await end_of(run)
    for _ in range(2):
        await run.aclose()
        assert [path.name for path in Path(run.ref).parent.iterdir()] == [".over"]
    assert await run.status() == ended


async def test_closing_a_run_that_goes_on_keeps_it(runner: LocalProcessRunner, make: Make) -> None:
    run = await runner.submit(make("sh", "-c", "echo up; exec sleep 300"))
    await until_running(run)
    await run.aclose()
    await printed(run, b"up")
    await run.cancel(5)
    await run.aclose()
    await until(lambda: not Path(run.ref).exists())


async def test_ended_runs_are_kept_on_request(runner: LocalProcessRunner, make: Make) -> None:
    runner.keep = True
    run = await runner.submit(make("echo", "hi"))
    await end_of(run)
    await run.aclose()
    assert (Path(run.ref) / "output.log").read_text() == "hi\n"
