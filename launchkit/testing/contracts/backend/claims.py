"""Who is given what, and in which order."""

import anyio
import pytest

from launchkit.abc import Hold
from launchkit.errors import NotFound
from launchkit.model import Claim, ItemState, Priority
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import Service
from launchkit.testing.makers import make_capacity, make_spec


class ClaimContract(ServiceContract):
    """What `claim` promises of items that wait."""

    async def test_items_are_given_first_in_first_out(self, service: Service) -> None:
        """Without prioritization."""
        await service.queue()
        for name in ("one", "two", "three"):
            await service.launch(name)
        names = [(await service.claim()).item.name for _ in range(3)]
        assert names == ["one", "two", "three"], "without prioritization, first in is first out"

    async def test_priorities_come_first_and_equal_ones_in_the_order_of_arrival(
        self, service: Service
    ) -> None:
        """With prioritization; none is medium."""
        await service.queue(prioritization=True)
        for name, priority in (
            ("low", Priority.LOW), ("none", None), ("high", Priority.HIGH),
            ("medium", Priority.MEDIUM), ("critical", Priority.CRITICAL), ("second", Priority.HIGH),
        ):  # fmt: skip
            await service.launch(name, priority)
        names = [(await service.claim()).item.name for _ in range(6)]
        assert names == ["critical", "high", "second", "none", "medium", "low"], (
            "the highest priority is given first, and in one level the first in"
        )

    async def test_an_item_is_given_once_to_many_who_ask_at_once(self, service: Service) -> None:
        """Two agents never start the same launch."""
        await service.queue()
        items = {(await service.launch()).id for _ in range(3)}
        claims: list[Claim | None] = []

        async def ask(agent: str) -> None:
            claims.append(await service.raw.claim("q", make_capacity(agent)))

        with service.within("`claim` answers each of six agents who ask at once"):
            async with anyio.create_task_group() as tasks:
                for number in range(6):
                    tasks.start_soon(ask, f"agent-{number}")
        given = [claim.item.id for claim in claims if claim]
        assert sorted(given) == sorted(set(given)), "an item is given to one agent only"
        while claim := await service.backend.claim("q", make_capacity()):  # a neighbour's lock
            given.append(claim.item.id)
        assert sorted(given) == sorted(items), "each item is given once, and none is left"

    async def test_a_claim_has_the_item_the_queue_and_a_lease(self, service: Service) -> None:
        """All that a journey begins with."""
        spec = await service.queue(config={"nice": 1}, max_concurrent=3)
        item = await service.launch("train")
        claim = await service.claim("gpu-1")
        got = claim.item
        assert (got.id, got.run_id, got.spec) == (item.id, item.run_id, make_spec("train")), (
            "a claim has the item that was launched"
        )
        assert (got.author, got.priority, got.created_at) == (
            item.author, item.priority, item.created_at,
        ), "a claim's item has all fields of the launch"  # fmt: skip
        assert (got.state, got.attempt, got.agent) == (ItemState.CLAIMED, 1, "gpu-1"), (
            "a claimed item is in the state `claimed`, at attempt 1, and names its agent"
        )
        assert claim.queue == (await service.queues.get("q")).queue, "a claim has its queue"
        assert claim.queue.spec == spec, "a claim's queue is as it was made"
        assert claim.lease > 0, "a lease lasts for some seconds"

    async def test_what_an_agent_holds_is_seen_by_users(self, service: Service) -> None:
        """As soon as it is claimed."""
        await service.queue()
        claim = await service.started(agent="gpu-1")
        assert await service.item(claim.item) == claim.item, "users see the claimed item as it is"
        last = (await service.events(claim.item))[-1]
        assert (last.state, last.actor) == (ItemState.CLAIMED, "gpu-1"), (
            "a claim is an event, and its actor is the agent"
        )

    async def test_an_unknown_queue_is_not_found_and_an_empty_one_gives_nothing(
        self, service: Service
    ) -> None:
        """The agent tells a misspelled queue from a quiet one."""
        await service.queue()
        await service.gives_nothing("an empty queue gives nothing")
        with refused(NotFound, "an unknown queue is not found", match="no-such-queue"):
            await service.backend.claim("no-such-queue", make_capacity())

    async def test_a_queue_that_was_removed_is_not_found(self, service: Service) -> None:
        """Even by an agent that has asked it before."""
        await service.queue()
        await service.gives_nothing("an empty queue gives nothing")
        await service.queues.delete("q", "ann", force=False)
        with refused(NotFound, "a queue that was removed is not found", match="q"):
            await service.backend.claim("q", make_capacity())

    async def test_a_queue_gives_its_own_items_only(self, service: Service) -> None:
        """An agent serves the queues that it is told to."""
        await service.queue()
        await service.queue("p")
        item = await service.launch(queue="p")
        await service.gives_nothing("a queue gives no items of another queue")
        claim = await service.claim(queue="p")
        assert (claim.item.id, claim.item.queue) == (item.id, "p"), "an item names its queue"

    async def test_an_agent_without_the_runner_gets_nothing(self, service: Service) -> None:
        """The item waits for one that has it."""
        await service.queue()
        await service.launch()
        claim = await service.backend.claim("q", make_capacity(resource="other"))
        assert claim is None, "an agent without a runner for the queue's resource gets nothing"
        await service.claim()

    async def test_what_was_stopped_or_is_held_is_not_given(self, service: Service) -> None:
        """Only what is queued waits for an agent."""
        await service.queue()
        await service.launches.stop((await service.launch()).id, "bob", None)
        await service.gives_nothing("what was stopped while it waited is never given")
        item = await service.launch()
        await service.launches.change(item.id, Hold(reason="later"), "bob")
        await service.gives_nothing("what is held is not given")

    @pytest.mark.parametrize(
        "state", [ItemState.FINISHED, ItemState.FAILED, ItemState.STOPPED], ids=str
    )
    async def test_what_has_ended_is_never_given_again(
        self, service: Service, state: ItemState
    ) -> None:
        """Not even when its lease would be over."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, state)
        await service.gives_nothing("what has ended is never given again", "a")
        await service.lapse(claim)
        await service.gives_nothing("what has ended is never given again, also after its lease")
