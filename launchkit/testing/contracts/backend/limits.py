"""What keeps a queue from giving items: pauses and limits."""

from dataclasses import replace

import anyio
import pytest

from launchkit.errors import NotFound
from launchkit.model import AgentCapacity, Claim, ItemState, Pause
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import Service
from launchkit.testing.makers import make_capacity

PAUSED = Pause(reason="driver upgrade", by="ann", at=0)


class LimitContract(ServiceContract):
    """What `claim` and `blocked` promise of pauses and limits."""

    async def test_a_paused_queue_gives_nothing_until_it_is_resumed(self, service: Service) -> None:
        """Items wait in it meanwhile; another queue goes on."""
        spec = await service.queue()
        await service.queue("p")
        await service.launch()
        await service.launch(queue="p")
        await service.update(spec, PAUSED)
        await service.gives_nothing("a paused queue gives nothing")
        await service.claim(queue="p")
        await service.update(spec)
        await service.claim()

    async def test_a_pause_ends_when_its_time_is_over(self, service: Service) -> None:
        """Nobody has to think of it."""
        spec = await service.queue()
        item = await service.launch()
        await service.update(spec, replace(PAUSED, until=item.created_at + 2))
        await service.gives_nothing("a paused queue gives nothing")
        await service.advance(2.5)
        assert (await service.claim()).item.id == item.id, "a pause ends when its time is over"

    async def test_a_limit_counts_what_is_under_way_and_an_end_makes_room(
        self, service: Service
    ) -> None:
        """Over all agents."""
        await service.queue(max_concurrent=2)
        for name in ("one", "two", "three"):
            await service.launch(name)
        first, second = await service.claim("a"), await service.claim("b")
        await service.gives_nothing("a limit counts what all agents hold", "c")
        await service.report(first, ItemState.RUNNING)
        await service.gives_nothing("a limit counts what runs", "a")
        await service.lapse(second)
        assert (await service.claim("c")).item.name in {"one", "two"}, (
            "what fell silent keeps its place under a limit"
        )

    async def test_an_end_makes_room_under_a_limit(self, service: Service) -> None:
        """Also an item that is given back."""
        await service.queue(max_concurrent=1)
        await service.launch("one")
        await service.launch("two")
        first = await service.claim("a")
        await service.gives_nothing("a limit is kept")
        await service.report(first, ItemState.FINISHED)
        second = await service.claim("b")
        assert second.item.name == "two", "an end makes room"
        await service.requeue(second)
        assert (await service.claim("c")).item.name == "two", "what is given back makes room"

    async def test_a_limit_counts_what_fell_silent(self, service: Service) -> None:
        """Its run may go on."""
        await service.queue(max_concurrent=1)
        claim = await service.started(site="here")
        await service.report(claim, ItemState.RUNNING, site="here")
        await service.launch("two")
        await service.lapse(claim)
        await service.gives_nothing("a limit counts what fell silent", site="there")

    async def test_a_limit_can_be_changed(self, service: Service) -> None:
        """And lifted."""
        spec = await service.queue(max_concurrent=1)
        for _ in range(3):
            await service.launch()
        await service.claim()
        await service.update(replace(spec, max_concurrent=2))
        await service.claim()
        await service.gives_nothing("a limit that was raised is a limit")
        await service.update(replace(spec, max_concurrent=None))
        await service.claim()

    async def test_a_limit_holds_for_many_who_ask_at_once(self, service: Service) -> None:
        """All of them look at the same moment."""
        await service.queue(max_concurrent=2)
        for _ in range(6):
            await service.launch()
        given: list[Claim] = []

        async def ask(agent: str) -> None:
            if claim := await service.raw.claim("q", make_capacity(agent)):
                given.append(claim)

        with service.within("`claim` answers each of six agents who ask at once"):
            async with anyio.create_task_group() as tasks:
                for number in range(6):
                    tasks.start_soon(ask, f"agent-{number}")
        assert len(given) <= 2, "a limit holds for agents who ask at the same moment"

    async def test_nothing_is_in_the_way_of_an_open_queue(self, service: Service) -> None:
        """Whether or not items wait in it."""
        await service.queue(max_concurrent=2)
        await service.started()
        blocked = await service.backend.blocked("q", make_capacity())
        assert blocked is None, "nothing is in the way of a queue with room"

    async def test_it_is_said_what_is_in_the_way(self, service: Service) -> None:
        """A pause, a limit, a missing runner, a runner that is unable."""
        if not self.explains:
            pytest.skip("the backend does not explain")
        spec = await service.queue(max_concurrent=1)
        await service.update(spec, PAUSED)
        said = await service.backend.blocked("q", make_capacity())
        assert "driver upgrade" in str(said), "`blocked` says why a queue is paused"
        await service.update(spec)
        await service.started()
        assert await service.backend.blocked("q", make_capacity()), "`blocked` tells of a limit"
        await service.update(replace(spec, max_concurrent=None))
        said = await service.backend.blocked("q", make_capacity(resource="other"))
        assert "local-process" in str(said), "`blocked` names the runner that is missing"
        unable = {"local-process": "no room on the disk"}
        capacity = AgentCapacity(agent="a", site="here", resources=frozenset(), unable=unable)
        said = await service.backend.blocked("q", capacity)
        assert "no room on the disk" in str(said), "`blocked` says why a runner is unable"
        with refused(NotFound, "an unknown queue is not found", match="no-such-queue"):
            await service.backend.blocked("no-such-queue", make_capacity())
