"""Agents with a fixed name: who is started anew has its launches back, and the former ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE

from launchkit.abc import LaunchRequest
from launchkit.errors import AgentReplaced
from launchkit.model import Claim, QueueSpec
from launchkit.store.backend import StoreBackend
from launchkit.store.hub import StoreHub
from launchkit.testing import make_capacity, make_spec, make_status, site_at, started


class Two:
    """Two agents of one name, at one database, which know nothing of each other."""

    def __init__(self, hub: StoreHub, first: StoreBackend, second: StoreBackend) -> None:
        self.hub = hub
        self.first = first
        self.second = second

    async def held(self) -> Claim:
        """A launch that the first one has claimed."""
        await self.hub.launches().launch("q", LaunchRequest(spec=make_spec(), actor="ann"))
        await self.first.register(make_status())
        claim = await self.first.claim("q", make_capacity())
        assert claim is not None
        return claim


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A queue of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/launchkit.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def two(url: str, tmp_path: Path) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(site_at(tmp_path / "site"))
        hub = await stack.enter_async_context(started(StoreHub(url=url, entity="e"), site))
        await hub.queues().create(QueueSpec(name="q", resource="local-process"), "ann")
        made = [StoreBackend(url=url, entity="e", lease=3600.0) for _ in range(2)]
        first, second = [await stack.enter_async_context(started(one, site)) for one in made]
        yield Two(hub, first, second)


async def test_an_agent_that_is_started_anew_has_its_launches_back_at_once(two: Two) -> None:
    held = await two.held()
    await two.second.register(make_status())
    taken = await two.second.claim("q", make_capacity())
    assert taken is not None
    assert taken.item.id == held.item.id
    assert taken.token > held.token


async def test_one_that_was_replaced_is_refused_whatever_it_asks(two: Two) -> None:
    held = await two.held()
    await two.second.register(make_status())
    for call in (
        lambda: two.first.claim("q", make_capacity()),
        lambda: two.first.beat(make_status(), [held], 0.0),
        lambda: two.first.acquire_lock("image", "a/run/1", 60.0),
    ):
        with pytest.raises(AgentReplaced, match="an agent named a was started anew"):
            await call()


async def test_the_end_of_one_that_was_replaced_takes_nothing_from_its_successor(two: Two) -> None:
    await two.held()
    await two.second.register(make_status())
    taken = await two.second.claim("q", make_capacity())
    assert taken is not None
    await two.first.leave("a", dead=True)
    assert not (await two.second.beat(make_status(), [taken], 0.0)).lost
    assert [view.online for view in await two.hub.agents()] == [True]


async def test_one_that_waits_hears_at_once_that_it_is_replaced(two: Two) -> None:
    async def beating() -> None:
        while True:
            await two.first.beat(make_status(), [], 3600.0)

    async def replaced() -> None:
        with pytest.raises(AgentReplaced):
            await beating()

    await two.first.register(make_status())
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(replaced)
            await two.second.register(make_status())
