"""Regions that are on record as those of runs: what is opened for each, and when that ends."""

from pathlib import Path

import anyio
import grpc
import pytest
from launchkit_gcp.errors import GcpRefused
from launchkit_gcp.vertex.runner import VertexRunner
from waiting import PATIENCE

from launchkit.errors import Elsewhere, RunLost
from launchkit.model import RunState
from launchkit.testing import site_at, started, until

from .beside import PROJECT, REGION
from .fake import FakeVertex
from .making import Runners, runner, submission
from .rules import Refused

AWAY = "europe-west4"


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> list[grpc.aio.Channel]:
    """All connections that are made."""
    made: list[grpc.aio.Channel] = []
    connect = grpc.aio.insecure_channel

    def kept(*given: object, **more: object) -> grpc.aio.Channel:
        made.append(connect(*given, **more))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(grpc.aio, "insecure_channel", kept)
    return made


def is_open(channel: grpc.aio.Channel) -> bool:
    return channel.get_state() is not grpc.ChannelConnectivity.SHUTDOWN


async def test_of_regions_that_are_on_record_and_have_no_such_run_nothing_is_kept(
    fake: FakeVertex, channels: list[grpc.aio.Channel], tmp_path: Path
) -> None:
    async with site_at(tmp_path / "s") as site, started(runner(fake), site) as made:
        for region in (REGION, AWAY, "no-such-region", "a" * 41):
            with pytest.raises(RunLost, match="has no job of the run"):
                await made.attach(f"{PROJECT}/{region}/i1/1")
        assert {*site.watches} == {f"Vertex AI in {REGION}"}
        assert [is_open(channel) for channel in channels] == [True, False, False, False]


async def test_those_who_look_in_a_region_at_once_share_what_is_opened(
    made: VertexRunner, fake: FakeVertex, channels: list[grpc.aio.Channel]
) -> None:
    fake.away.add("ListCustomJobs")
    async with anyio.create_task_group() as tasks:

        async def look(number: int) -> None:
            with pytest.raises(RunLost):
                await made.attach(f"{PROJECT}/{AWAY}/i{number}/1")

        for number in range(3):
            tasks.start_soon(look, number)
        await until(lambda: fake.count("ListCustomJobs") > 2)
        assert [is_open(channel) for channel in channels] == [True]
        fake.away.clear()
    assert [is_open(channel) for channel in channels] == [False]


async def test_what_an_agent_that_goes_away_looks_with_is_closed(
    made: VertexRunner, fake: FakeVertex, channels: list[grpc.aio.Channel]
) -> None:
    fake.away.add("ListCustomJobs")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.attach, f"{PROJECT}/{AWAY}/i1/1")
        await until(lambda: fake.count("ListCustomJobs") > 0)
        tasks.cancel_scope.cancel()
    assert [is_open(channel) for channel in channels] == [False]


async def test_a_run_in_another_region_than_the_agents_is_found_again(runners: Runners) -> None:
    one = submission("sleep", "60")
    async with runners() as first:
        ref = (await first.submit(one)).ref
    async with runners(region=AWAY) as later:
        await later.require_own(ref, one.launch.which)
        run = await later.attach(ref)
        with anyio.fail_after(PATIENCE):
            await run.cancel(0)
        assert (await run.status()).state is RunState.STOPPED


async def test_a_region_that_refuses_to_be_looked_at_is_elsewhere_unless_it_is_the_agents(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.denied.add("ListCustomJobs")
    with pytest.raises(Elsewhere, match="denied on resource"):
        await made.attach(f"{PROJECT}/{AWAY}/i1/1")
    with pytest.raises(GcpRefused, match="denied on resource"):
        await made.attach(f"{PROJECT}/{REGION}/i1/1")


async def test_a_region_that_there_is_not_is_elsewhere(
    made: VertexRunner, fake: FakeVertex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unserved(asked: object) -> None:
        raise Refused(grpc.StatusCode.UNIMPLEMENTED, "Received http2 header with status: 404")

    monkeypatch.setattr(fake, "_ListCustomJobs", unserved)
    with anyio.fail_after(PATIENCE), pytest.raises(Elsewhere, match="UNIMPLEMENTED"):
        await made.attach(f"{PROJECT}/no-such-region/i1/1")
