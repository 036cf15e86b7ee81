"""How containers end: told with a reason, whoever ends them, and what is left of them."""

from pathlib import Path

import anyio
import launchkit_docker.containers.output
import pytest
from docker_engine import SOCKET
from launchkit_docker.runner import ContainerRunner
from waiting import PATIENCE

from launchkit.aio.carried_through import carried_through
from launchkit.errors import RunLost, SubmitError
from launchkit.model import RunState
from launchkit.testing import Intervention, end_of, gateway, relay, site_at, started

from .workshop import WAITS, Scripts, read


async def test_a_run_that_does_not_listen_is_killed_after_its_grace(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts("trap '' TERM; echo ready; while true; do sleep 1; done"))
    await read(run, to=b"ready")
    with anyio.fail_after(PATIENCE):
        await run.cancel(1)
    seen = scripts.inspect(run.ref)
    assert seen
    assert seen["State"]["Running"] is False
    status = await run.status()
    assert (status.state, status.exit_code) == (RunState.STOPPED, 137)


async def test_what_nobody_wants_any_more_once_its_container_is_made_is_not_started(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission, wanted = scripts("true", rm=False), anyio.CancelScope()

    async def stopped() -> None:
        wanted.cancel()

    async with gateway(Path(SOCKET)) as way, site_at(tmp_path) as site:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        async with started(ContainerRunner(), site) as runner:
            await runner.submit(scripts("true"))
            [create] = {kind for kind in way.kinds if kind.endswith("/containers/create")}
            way.interventions = [Intervention(create, during=stopped)]
            with wanted, carried_through(PATIENCE):
                await runner.submit(submission)
            container = scripts.inspect(submission.name)
            assert container is not None
            assert container["State"]["Status"] == "created"
            await runner.discard(submission.name)
    assert way.happened == way.interventions
    assert scripts.inspect(submission.name) is None


async def test_a_run_is_told_by_the_signal_that_its_queue_names(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    script = "trap 'echo told; exit 0' USR1; echo ready; sleep 600 & wait"
    run = await runner.submit(scripts(script, stop_signal="SIGUSR1"))
    await read(run, to=b"ready")
    await run.cancel(30)
    assert await read(run) == b"ready\ntold\n"
    assert (await run.status()).exit_code == 0


async def test_a_run_that_somebody_paused_runs_and_can_be_cancelled(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(WAITS))
    await read(run, to=b"ready")
    scripts.do(run.ref, "pause")
    assert (await run.status()).state is RunState.RUNNING
    with anyio.fail_after(PATIENCE):
        await run.cancel(2)
    assert (await run.status()).state is RunState.STOPPED


async def test_a_run_that_somebody_removed_is_lost_to_those_who_wait(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(WAITS))
    await read(run, to=b"ready")
    scripts.remove()
    with pytest.raises(RunLost, match=run.ref) as caught:
        await end_of(run)
    assert caught.value.code == "run_lost"
    with pytest.raises(RunLost):
        await read(run)
    with pytest.raises(RunLost):
        await run.cancel(1)
    await run.aclose()


async def test_a_run_that_somebody_killed_says_so_with_its_last_lines(
    runner: ContainerRunner, scripts: Scripts
) -> None:
    run = await runner.submit(scripts(WAITS))
    await read(run, to=b"ready")
    scripts.do(run.ref, "kill")
    status = await end_of(run)
    assert status.verdict
    assert status.verdict.code == "killed_by_signal"
    assert "SIGKILL" in status.verdict.summary
    assert status.verdict.evidence == ("ready",)


async def test_of_lines_without_measure_only_the_end_is_kept_in_the_verdict(
    runner: ContainerRunner, scripts: Scripts, tmp_path: Path
) -> None:
    line = b"x" * 3_000_000 + b" tail\n"
    (tmp_path / "line").write_bytes(line)
    script = "for i in 1 2 3 4 5 6 7 8 9 10; do cat /place/line /place/line; done; exit 1"
    options = {"volume": f"{tmp_path}:/place:ro", "log-driver": "local"}
    status = await end_of(await runner.submit(scripts(script, **options)))
    assert status.verdict
    assert status.verdict.code == "user_exit"
    assert status.verdict.evidence == ("… tail",)


async def test_a_run_ends_though_the_engine_does_not_tell_its_last_lines(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launchkit_docker.containers.output, "LAST_SECONDS", 0.1)
    async with relay(Path(SOCKET)) as way:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{way.host}")
        async with site_at(tmp_path) as site, started(ContainerRunner(), site) as runner:
            way.shut("/logs")
            status = await end_of(await runner.submit(scripts("echo lost; exit 1")))
            assert way.held
    assert status.verdict
    assert (status.verdict.code, status.verdict.evidence) == ("user_exit", ())


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_container_is_kept_only_if_its_queue_says_so(
    runner: ContainerRunner, scripts: Scripts, keeps: bool
) -> None:
    submission = scripts("echo text", rm=not keeps)
    run = await runner.submit(submission)
    await end_of(run)
    await run.aclose()
    assert (scripts.inspect(run.ref) is not None) is keeps
    with pytest.raises(SubmitError, match="is over already"):
        await runner.submit(submission)
    with pytest.raises(RunLost, match="is over"):
        await runner.attach(run.ref)
