"""Beats: orders to agents, and how they wait for them."""

from dataclasses import replace

import anyio

from launchkit.model import ItemState, StopOrder
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.service import HOUR, PAUSE, Service, only
from launchkit.testing.makers import make_status


class BeatContract(ServiceContract):
    """What `beat` promises of orders and waiting."""

    async def test_a_stop_order_comes_with_each_beat_until_the_item_has_ended(
        self, service: Service
    ) -> None:
        """An order whose answer was lost comes again."""
        await service.queue()
        claim = await service.started()
        assert (await service.beat(claim)).stop == (), "nobody has asked for a stop"
        await service.launches.stop(claim.item.id, "bob", "too long")
        for _ in range(2):
            orders = await service.beat(claim)
            assert orders.stop == (
                StopOrder(item_id=claim.item.id, by="bob", reason="too long"),
            ), "a stop order comes with each beat, with who wants it and why"
        await service.report(claim, ItemState.STOPPED)
        assert (await service.beat()).stop == (), "what has ended needs no order"

    async def test_a_stop_order_goes_to_the_agent_that_holds_the_item(
        self, service: Service
    ) -> None:
        """And stops nothing else."""
        await service.queue()
        mine, other = (
            await service.started("mine", agent="a"),
            await service.started("other", agent="a"),
        )
        theirs = await service.started("theirs", agent="b")
        await service.launches.stop(mine.item.id, "bob", None)
        orders = await service.beat(theirs, agent="b")
        assert orders.stop == (), "a stop order goes to no other agent"
        orders = await service.beat(mine, other, agent="a")
        assert [order.item_id for order in orders.stop] == [mine.item.id], (
            "a stop order names the item that is to stop, and no other"
        )

    async def test_a_stop_without_grace_is_told_to_who_heard_of_a_stop_before(
        self, service: Service
    ) -> None:
        """Whoever has given it a day to end may think better of it."""
        await service.queue()
        claim = await service.started()
        await service.launches.stop(claim.item.id, "bob", "too long")
        (order,) = (await service.beat(claim)).stop
        assert not order.now, "a run that is to end has its grace"
        heard: list[StopOrder] = []

        async def listen() -> None:
            while not heard:  # it may wake for nothing
                orders = (await service.raw.beat(make_status(), [claim], HOUR)).stop
                heard.extend(order for order in orders if order.now)

        async def stop() -> None:
            await service.launches.stop(claim.item.id, "eve", None, now=True)

        await service.woken("a beat that waits is woken by a stop without grace", listen, stop)
        await service.launches.stop(claim.item.id, "bob", None)
        (order,) = (await service.beat(claim)).stop
        assert order == StopOrder(item_id=claim.item.id, by="bob", reason="too long", now=True), (
            "the first wish counts, and that there is no grace"
        )
        assert (await service.item(claim.item)).stop_now, "an item tells that it gets no grace"

    async def test_a_stop_order_outlives_a_take_over(self, service: Service) -> None:
        """The successor carries it out, and the one who lost the item does not."""
        await service.queue()
        old = await service.started(agent="a")
        await service.launches.stop(old.item.id, "bob", "too long")
        await service.lapse(old)
        new = await service.claim("b")
        assert new.item.stop_requested, "one who takes over learns of the wish to stop"
        (order,) = (await service.beat(new, agent="b")).stop or (None,)
        assert order, "a stop order comes to the agent that took the item over"
        assert (order.by, order.reason) == ("bob", "too long"), "a stop order says who and why"
        assert (await service.beat(old, agent="a")).stop == (), (
            "one who lost the item gets no order for it"
        )

    async def test_a_new_run_is_not_stopped_by_the_order_for_another(
        self, service: Service
    ) -> None:
        """Orders name items."""
        await service.queue()
        first = await service.started("first")
        await service.launches.stop(first.item.id, "bob", None)
        await service.report(first, ItemState.STOPPED)
        second = await service.started("second")
        assert not second.item.stop_requested, "a new launch is not to be stopped"
        assert (await service.beat(second)).stop == (), "an order that was carried out is over"

    async def test_a_beat_that_waits_is_woken_by_a_stop(self, service: Service) -> None:
        """A user who stops does not wait for the next heartbeat."""
        await service.queue()
        claim = await service.started()
        await service.beat(claim)
        heard: list[StopOrder] = []

        async def listen() -> None:
            while not heard:  # it may wake for nothing
                heard.extend((await service.raw.beat(make_status(), [claim], HOUR)).stop)

        async def stop() -> None:
            await service.launches.stop(claim.item.id, "bob", None)

        await service.woken("a beat that waits is woken by a stop", listen, stop)
        assert [order.item_id for order in heard] == [claim.item.id], (
            "a beat that waits is woken by a stop, and tells of it"
        )

    async def test_an_order_that_is_there_already_comes_at_once(self, service: Service) -> None:
        """However long the beat would wait."""
        await service.queue()
        claim = await service.started()
        await service.launches.stop(claim.item.id, "bob", None)
        with service.within("a beat gives an order that is there without waiting"):
            assert (await service.raw.beat(make_status(), [claim], HOUR)).stop, (
                "an order that is there already comes at once"
            )

    async def test_a_lease_that_is_lost_already_is_told_at_once(self, service: Service) -> None:
        """The one who lost it must not go on."""
        await service.queue()
        claim = await service.started()
        await service.lapse(claim)
        await service.claim("b")
        with service.within("a beat tells of a lost lease without waiting"):
            orders = await service.raw.beat(make_status(), [claim], HOUR)
        assert orders.lost == {claim.item.id}, "a lease that is lost already is told at once"

    async def test_a_lease_whose_loss_was_told_wakes_no_beat_again(self, service: Service) -> None:
        """What the agent does for its run then may take a while."""
        await service.queue()
        claim = await service.started()
        await service.lapse(claim)
        await service.claim("b")
        assert (await service.beat(claim)).lost, "a beat tells of a lost lease"

        async def beat() -> None:
            await service.backend.beat(make_status(), [claim], PAUSE)

        await service.waits("a beat that names a lease whose loss was told", beat)

    async def test_a_beat_waits_as_long_as_it_is_told_and_no_longer(self, service: Service) -> None:
        """An agent with nothing to do rests, and is back for its next beat."""
        await service.queue()
        claim = await service.started()

        async def beat() -> None:
            await service.backend.beat(make_status(), [claim], PAUSE)

        await service.waits("a beat", beat)

    async def test_a_beat_renews_before_it_waits(self, service: Service) -> None:
        """Else it would wait longer than the lease lasts."""
        await service.queue()
        claim = await service.started()
        await service.advance(claim.lease * 0.6)
        status = replace(make_status(), doing="waits")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(service.raw.beat, status, [claim], HOUR)
            with service.within("a beat that waits has said what its agent does"):
                while "waits" not in {one.status.doing for one in await service.hub.agents()}:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            await service.advance(claim.lease * 0.6)
            await service.gives_nothing("a beat renews its leases before it waits")
            tasks.cancel_scope.cancel()

    async def test_a_beat_without_claims_is_a_sign_of_life(self, service: Service) -> None:
        """Of an agent that waits for work; the last word counts."""
        await service.queue()
        await service.beat()
        status = replace(make_status(), doing="waits for room", max_jobs=7)
        orders = await service.backend.beat(status, [], 0)
        assert (orders.stop, orders.lost, orders.drain) == ((), frozenset(), False), (
            "a beat without claims brings no orders"
        )
        seen = only(await service.hub.agents(), "users see each agent that has beaten, once")
        assert (seen.status, seen.held, seen.online) == (status, 0, True), (
            "users see what an agent said last"
        )
