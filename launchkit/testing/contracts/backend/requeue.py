"""Items that an agent gives back."""

from launchkit.abc import Release
from launchkit.errors import LeaseLost
from launchkit.model import ItemState
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import Service, only


class RequeueContract(ServiceContract):
    """What `report` promises of the states `queued` and `held`."""

    async def test_a_new_attempt_waits_again_as_the_same_run(self, service: Service) -> None:
        """After a preemption."""
        await service.queue()
        first = await service.started()
        await service.report(first, ItemState.RUNNING, ref="ref-1")
        await service.requeue(first, next_attempt=True)
        second = await service.claim("b")
        assert (second.item.attempt, second.item.run_id) == (2, first.item.run_id), (
            "the next attempt has the next number, and is the same run"
        )
        assert second.item.state is ItemState.CLAIMED, "an attempt begins as `claimed`"
        assert second.item.ref is None, "a new attempt has no ref of the old run"

    async def test_a_try_that_does_not_count_keeps_its_number(self, service: Service) -> None:
        """Nothing was started."""
        await service.queue()
        await service.requeue(await service.started())
        assert (await service.claim()).item.attempt == 1, (
            "without `next_attempt` the attempt keeps its number"
        )

    async def test_what_is_given_back_keeps_its_place(self, service: Service) -> None:
        """It came first."""
        await service.queue()
        first = await service.started("first")
        await service.launch("second")
        await service.requeue(first, next_attempt=True)
        view = await service.view(first.item)
        assert view.position == 1, "what is given back keeps its place in the line"
        assert (await service.claim("b")).item.name == "first", (
            "what is given back keeps its place in the line"
        )

    async def test_what_is_given_back_is_held_by_nobody(self, service: Service) -> None:
        """Its claim has ended."""
        await service.queue()
        claim = await service.started()
        await service.beat(claim)
        await service.requeue(claim)
        item = await service.item(claim.item)
        assert (item.state, item.agent) == (ItemState.QUEUED, None), (
            "what is given back waits, and no agent has it"
        )
        agent = only(await service.hub.agents(), "users see each agent that has beaten, once")
        assert agent.held == 0, "an agent does not hold what it gave back"
        for state in (ItemState.RUNNING, ItemState.FINISHED):
            with refused(LeaseLost, "what was given back is held by nobody; a report is refused"):
                await service.report(claim, state)
        with refused(LeaseLost, "what was given back takes no output"):
            await service.backend.append_log(claim, 0, b"text")

    async def test_what_one_site_gave_back_is_given_to_any(self, service: Service) -> None:
        """Its run is gone."""
        await service.queue()
        claim = await service.started(site="here")
        await service.report(claim, ItemState.RUNNING, ref="pid-1", site="here")
        await service.requeue(claim, next_attempt=True)
        second = await service.claim("b", "there")
        await service.lapse(second)
        assert (await service.claim("c", "elsewhere")).item.id == claim.item.id, (
            "what was given back is bound to no site"
        )

    async def test_a_wish_to_stop_outlives_that_its_agent_gives_the_item_back(
        self, service: Service
    ) -> None:
        """It is stopped then, or its next agent gets the order."""
        await service.queue()
        claim = await service.started()
        await service.launches.stop(claim.item.id, "bob", None)
        await service.requeue(claim, next_attempt=True)
        if (await service.item(claim.item)).state is not ItemState.STOPPED:
            orders = await service.beat(await service.claim("b"), agent="b")
            assert [order.item_id for order in orders.stop] == [claim.item.id], (
                "a wish to stop is not lost when the item goes back into its queue"
            )

    async def test_what_an_agent_holds_back_waits_for_a_person(self, service: Service) -> None:
        """The message says why."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, ItemState.HELD, message="the disk is full")
        view = await service.view(claim.item)
        assert (view.item.state, view.reason) == (ItemState.HELD, "the disk is full"), (
            "what an agent holds back is held, and the message is why"
        )
        await service.gives_nothing("what is held is not given")
        await service.lapse(claim)
        await service.gives_nothing("what is held is not given, also after its lease")
        await service.launches.change(claim.item.id, Release(), "bob")
        assert (await service.claim("b")).item.id == claim.item.id, "what is released is given"
