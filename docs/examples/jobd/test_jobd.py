"""The runner `jobd` keeps to the contract of runners, also where the way to jobd breaks."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import anyio
import httpx
import launchkit_jobd
import pytest
from anyio.abc import SocketAttribute, SocketStream
from jobd import Jobd, serving
from launchkit_jobd import JobdRunner

from launchkit import testing
from launchkit.abc import Site
from launchkit.errors import ConfigError, SubmitError
from launchkit.model import ItemState, RunState, Secret, Submission
from launchkit.testing import (
    OwnHub,
    Relay,
    RunnerContract,
    Workload,
    make_submission,
    relay,
    site_at,
    started,
    until,
)

TOKEN = Secret("jobd-token")
HOLDS = "while [ ! -e {0} ]; do sleep 0.1; done; echo over; exit 3"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def jobd(tmp_path: Path) -> Iterator[Jobd]:
    folder = tmp_path / "jobd"
    folder.mkdir()
    with serving(folder, token=TOKEN) as jobd:
        yield jobd


@pytest.fixture
async def way(jobd: Jobd) -> AsyncIterator[Relay]:
    """Between the runner and jobd."""
    async with relay(jobd.host) as way:
        yield way


class Scripts(Workload):
    """Shell scripts, as jobd sees them."""

    def __init__(self, jobd: Jobd) -> None:
        self.jobd = jobd

    def exits(self, code: int) -> Submission:
        return script(f"exit {code}")

    def waits(self) -> Submission:
        return script("exec sleep 600")

    def prints(self, text: str) -> Submission:
        return make_submission("printf", "%s", text, image="img")

    async def starts(self, submission: Submission) -> int:
        return self.jobd.starts[submission.name]

    async def traces(self, submission: Submission) -> Sequence[str]:
        return [name for name in self.jobd.jobs if name == submission.name]

    async def exposed(self, submission: Submission) -> bytes:
        process = self.jobd.jobs[submission.name].process
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(headers=headers) as client:
            listed = await client.get(f"http://{self.jobd.host}/jobs")
        return listed.content + await anyio.Path(f"/proc/{process.pid}/cmdline").read_bytes()


def script(text: str, **fields: object) -> Submission:
    return make_submission("sh", "-c", text, image="img", **fields)


class TestJobdRunner(RunnerContract):
    @pytest.fixture
    async def runner(self, site: Site, jobd: Jobd) -> AsyncIterator[JobdRunner]:
        runner = JobdRunner(url=f"http://{jobd.host}", token=TOKEN, poll=0.05)
        async with started(runner, site) as runner:
            yield runner

    @pytest.fixture
    def workload(self, jobd: Jobd) -> Scripts:
        return Scripts(jobd)

    async def test_all_runs_share_one_look(self, site: Site, jobd: Jobd, way: Relay) -> None:
        runner = JobdRunner(url=f"http://{way.host}", token=TOKEN, poll=3600)
        async with started(runner, site):
            runs = [await runner.submit(script("exec sleep 600")) for _ in range(8)]
            assert {(await run.status()).state for run in runs} == {RunState.RUNNING}
        assert way.count("GET /jobs") == 1

    async def test_a_job_whose_answer_is_lost_is_started_once(
        self, site: Site, jobd: Jobd, way: Relay
    ) -> None:
        way.lose_answer("POST /jobs")
        submission = script("exit 0")
        async with started(JobdRunner(url=f"http://{way.host}", token=TOKEN), site) as runner:
            await runner.submit(submission)
        assert (way.count("POST /jobs"), jobd.starts[submission.name]) == (2, 1)

    async def test_what_jobd_refuses_is_told_with_a_code(
        self, runner: JobdRunner, jobd: Jobd
    ) -> None:
        jobd.images = {"other"}
        with pytest.raises(SubmitError, match="image img not found") as caught:
            await runner.submit(script("exit 0"))
        assert caught.value.code == "image_pull_failed"

    async def test_an_eviction_is_a_preemption(self, runner: JobdRunner, jobd: Jobd) -> None:
        run = await runner.submit(script("exec sleep 600"))
        jobd.jobs[run.ref].kill(9, "evicted")
        assert (await self.ended(run)).state is RunState.PREEMPTED

    async def test_a_deadline_is_told_as_one(self, runner: JobdRunner) -> None:
        run = await runner.submit(script("exec sleep 600", resource_args={"deadline": 1}))
        status = await self.ended(run)
        assert status.verdict
        assert status.verdict.code == "run_timeout"


@pytest.fixture
async def hub(jobd: Jobd) -> AsyncIterator[OwnHub]:
    async with testing.hub(launchkit_jobd) as hub:
        await hub.client.create_queue("q", "job-daemon", {"jobd": {"size": "large"}})
        yield hub


async def test_a_job_outlives_its_agent_and_a_service_that_is_away(
    hub: OwnHub, jobd: Jobd, way: Relay, tmp_path: Path
) -> None:
    runners = {"jobd": {"url": f"http://{way.host}", "token": str(TOKEN), "poll": 0.05}}
    command = ["sh", "-c", HOLDS.format(tmp_path / "gate")]
    run = await hub.client.launch("q", image="img", entry_point=command)
    async with hub.agent(runners=runners) as agent:
        await run.wait_until(ItemState.RUNNING)
        agent.abort()
    async with hub.agent(runners=runners):
        await until(lambda: way.count("/log"))
        way.shut()
        await until(lambda: way.held)
        (tmp_path / "gate").touch()
        way.open()
        item = await run.wait()
    assert (item.state, item.exit_code) == (ItemState.FAILED, 3)
    assert [line async for line in run.logs()] == ["over"]
    assert ([*jobd.starts.values()], jobd.jobs) == ([1], {})


@pytest.mark.parametrize(
    ("settings", "problem"),
    [({"poll": 1}, "runners.jobd.url: "), ({"url": "jobd.example"}, "must begin with http")],
)
async def test_settings_that_are_missing_or_wrong_are_told_with_their_place(
    hub: OwnHub, settings: dict[str, object], problem: str
) -> None:
    with pytest.raises(ConfigError, match=rf"launch-config.yaml:\d+: .*{problem}"):
        await hub.settings(runners={"jobd": settings})


async def test_something_else_that_answers_at_its_address_is_told(tmp_path: Path) -> None:
    async def answer(asked: SocketStream) -> None:
        async with asked:
            await asked.receive()
            await asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, answer)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no Django here
        runner = JobdRunner(url=f"http://127.0.0.1:{port}")
        async with site_at(tmp_path) as site, started(runner, site):
            found = [(each.level, each.message) for each in await runner.check()]
        tasks.cancel_scope.cancel()
    assert [level for level, _ in found] == ["error"]
    assert "gives no list of jobs" in found[0][1]
