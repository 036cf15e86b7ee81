"""The suite for queue backends: the agent's side, driven from the user's side."""

from collections.abc import AsyncIterator

import anyio
import pytest

from launchkit.abc import Hub, QueueBackend
from launchkit.errors import LeaseLost, NotFound
from launchkit.model import (
    Claim,
    ItemReport,
    ItemState,
    Pause,
    Priority,
    StopOrder,
)
from launchkit.testing.contracts.service import Advance, QueueService
from launchkit.testing.makers import make_capacity, make_spec, make_status

HOUR = 3600.0


class QueueBackendContract(QueueService):
    """Give the fixtures `backend` and `hub`, both started, for one empty queue service and one
    entity; and, if the backend's clock can be moved, `advance`. Else let leases be short.
    """

    patience = 60.0
    """Seconds that a wake-up may take."""

    async def test_items_are_given_first_in_first_out(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """Without prioritization."""
        await self.queue(hub)
        for name in ("one", "two", "three"):
            await self.launch(hub, name)
        names = [(await self.claimed(backend)).item.name for _ in range(3)]
        assert names == ["one", "two", "three"]

    async def test_priorities_come_first_and_equal_ones_in_the_order_of_arrival(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """With prioritization; none is medium."""
        await self.queue(hub, prioritization=True)
        for name, priority in (
            ("low", Priority.LOW), ("none", None), ("high", Priority.HIGH),
            ("medium", Priority.MEDIUM), ("critical", Priority.CRITICAL),
        ):  # fmt: skip
            await self.launch(hub, name, priority)
        names = [(await self.claimed(backend)).item.name for _ in range(5)]
        assert names == ["critical", "high", "none", "medium", "low"]

    async def test_an_item_is_given_once_to_many_who_ask_at_once(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """Two agents never start the same launch."""
        await self.queue(hub)
        items = {(await self.launch(hub)).id for _ in range(3)}
        claims: list[Claim | None] = []

        async def ask(agent: str) -> None:
            claims.append(await backend.claim("q", make_capacity(agent)))

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(ask, f"agent-{number}")
        given = [claim.item.id for claim in claims if claim]
        assert sorted(given) == sorted(set(given))
        while claim := await backend.claim("q", make_capacity()):  # one that a neighbour had locked
            given.append(claim.item.id)
        assert sorted(given) == sorted(items)

    async def test_a_claim_has_the_item_the_queue_and_a_lease(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """All that a journey begins with."""
        spec = await self.queue(hub)
        item = await self.launch(hub, "train")
        claim = await self.claimed(backend, "gpu-1")
        assert (claim.item.id, claim.item.run_id) == (item.id, item.run_id)
        assert (claim.item.state, claim.item.attempt) == (ItemState.CLAIMED, 1)
        assert (claim.item.agent, claim.item.spec) == ("gpu-1", make_spec("train"))
        assert claim.queue.spec == spec
        assert claim.lease > 0

    async def test_an_unknown_queue_is_not_found_and_an_empty_one_gives_nothing(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """The agent tells a misspelled queue from a quiet one."""
        await self.queue(hub)
        assert await backend.claim("q", make_capacity()) is None
        with pytest.raises(NotFound, match="no-such-queue"):
            await backend.claim("no-such-queue", make_capacity())

    async def test_an_agent_without_the_runner_gets_nothing(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """The item waits for one that has it."""
        await self.queue(hub)
        await self.launch(hub)
        assert await backend.claim("q", make_capacity(resource="other")) is None
        assert await backend.claim("q", make_capacity())

    async def test_a_lapsed_lease_is_given_again_with_ref_attempt_and_run_id(
        self, backend: QueueBackend, hub: Hub, advance: Advance
    ) -> None:
        """So that the next agent finds the run that the dead one started."""
        await self.queue(hub)
        await self.launch(hub)
        first = await self.claimed(backend, "a")
        await self.report(backend, first, ItemState.RUNNING, ref="ref-1")
        assert await backend.claim("q", make_capacity("b")) is None
        await advance(first.lease * 1.1)
        second = await self.claimed(backend, "b")
        assert (second.item.ref, second.item.run_id) == ("ref-1", first.item.run_id)
        assert (second.item.attempt, second.item.state) == (1, ItemState.RUNNING)
        assert second.token != first.token

    async def test_a_beat_renews_a_lease(
        self, backend: QueueBackend, hub: Hub, advance: Advance
    ) -> None:
        """Only the silent lose theirs."""
        await self.queue(hub)
        await self.launch(hub)
        claim = await self.claimed(backend, "a")
        for _ in range(3):
            await advance(claim.lease * 0.6)
            orders = await self.beat(backend, claim)
            assert not orders.lost
        assert await backend.claim("q", make_capacity("b")) is None

    async def test_writes_with_a_stale_token_are_refused(
        self, backend: QueueBackend, hub: Hub, advance: Advance
    ) -> None:
        """An agent that slept must not overwrite what its successor says."""
        await self.queue(hub)
        item = await self.launch(hub)
        old = await self.claimed(backend, "a")
        await advance(old.lease * 1.1)
        await self.claimed(backend, "b")
        with pytest.raises(LeaseLost):
            await self.report(backend, old, ItemState.FAILED)
        with pytest.raises(LeaseLost):
            await backend.append_log(old, 0, b"text")
        assert (await self.beat(backend, old)).lost == {item.id}
        assert (await hub.launches().get(item.id)).item.state is ItemState.CLAIMED

    async def test_an_end_that_is_reported_again_is_no_error(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """The first answer may have been lost."""
        await self.queue(hub)
        await self.launch(hub)
        claim = await self.claimed(backend)
        await self.report(backend, claim, ItemState.FINISHED)
        await self.report(backend, claim, ItemState.FINISHED)
        with pytest.raises(LeaseLost):
            await self.report(backend, claim, ItemState.FAILED)

    async def test_each_state_is_an_event_and_shown_to_the_user(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """In the order in which they were reported."""
        await self.queue(hub)
        item = await self.launch(hub)
        claim = await self.claimed(backend)
        states = [
            ItemState.BUILDING, ItemState.SUBMITTING, ItemState.STARTING, ItemState.RUNNING,
            ItemState.FINISHED,
        ]  # fmt: skip
        for state in states:
            await self.report(backend, claim, state)
            assert (await hub.launches().get(item.id)).item.state is state
        events = await hub.launches().changed(item.id, 0, 0)
        shown = [event.state for event in events if event.kind == "state"]
        assert shown == [ItemState.QUEUED, ItemState.CLAIMED, *states]

    async def test_what_is_going_on_in_a_state_is_an_event_too(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """Once, until another message comes, and until the state changes."""
        await self.queue(hub)
        item = await self.launch(hub)
        claim = await self.claimed(backend)
        await self.report(backend, claim, ItemState.BUILDING)
        for message in ("step 1", "step 1", "step 2"):
            await backend.report(claim, ItemReport(state=ItemState.BUILDING, message=message))
        assert (await hub.launches().get(item.id)).item.message == "step 2"
        await self.report(backend, claim, ItemState.SUBMITTING)
        assert (await hub.launches().get(item.id)).item.message is None
        events = await hub.launches().changed(item.id, 0, 0)
        causes = [event.cause for event in events if event.kind == "progress"]
        assert causes == ["step 1", "step 2"]

    async def test_a_new_attempt_waits_again_as_the_same_run(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """After a preemption."""
        await self.queue(hub)
        await self.launch(hub)
        first = await self.claimed(backend)
        await self.report(backend, first, ItemState.RUNNING, ref="ref-1")
        await backend.report(first, ItemReport(state=ItemState.QUEUED, next_attempt=True))
        second = await self.claimed(backend)
        assert (second.item.attempt, second.item.run_id) == (2, first.item.run_id)
        assert second.item.ref is None

    async def test_a_paused_queue_gives_nothing_until_it_is_resumed(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """Items wait in it meanwhile."""
        spec = await self.queue(hub)
        await self.launch(hub)
        pause = Pause(reason="driver upgrade", by="ann", at=0)
        await hub.queues().update(spec, "ann", pause=pause, if_version=None)
        assert await backend.claim("q", make_capacity()) is None
        await hub.queues().update(spec, "ann", pause=None, if_version=None)
        assert await backend.claim("q", make_capacity())

    async def test_a_limit_counts_what_is_under_way_and_an_end_makes_room(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """Over all agents."""
        await self.queue(hub, max_concurrent=1)
        await self.launch(hub, "one")
        await self.launch(hub, "two")
        first = await self.claimed(backend, "a")
        assert await backend.claim("q", make_capacity("b")) is None
        await self.report(backend, first, ItemState.FINISHED)
        assert (await self.claimed(backend, "b")).item.name == "two"

    async def test_a_stop_order_comes_with_each_beat_until_the_item_has_ended(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """An order whose answer was lost comes again."""
        await self.queue(hub)
        item = await self.launch(hub)
        claim = await self.claimed(backend)
        await hub.launches().stop(item.id, "bob", "too long")
        for _ in range(2):
            (order,) = (await self.beat(backend, claim)).stop
            assert (order.item_id, order.by, order.reason) == (item.id, "bob", "too long")
        await self.report(backend, claim, ItemState.STOPPED)
        assert (await backend.beat(make_status("a"), [], 0)).stop == ()

    async def test_a_beat_that_waits_is_woken_by_a_stop(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """A user who stops does not wait for the next heartbeat."""
        await self.queue(hub)
        item = await self.launch(hub)
        claim = await self.claimed(backend)
        await self.beat(backend, claim)
        heard: list[StopOrder] = []

        async def listen() -> None:
            while not heard:  # it may wake for nothing
                heard.extend((await backend.beat(make_status("a"), [claim], HOUR)).stop)

        with anyio.fail_after(self.patience):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen)
                await anyio.wait_all_tasks_blocked()
                await hub.launches().stop(item.id, "bob", None)
        assert [order.item_id for order in heard] == [item.id]

    async def test_one_who_waits_for_news_is_woken_by_a_launch(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """And one that came just before the wait is not missed."""
        await self.queue(hub)
        for _ in range(2):
            assert await backend.claim("q", make_capacity()) is None
            with anyio.fail_after(self.patience):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.launch, hub)
                    while (claim := await backend.claim("q", make_capacity())) is None:
                        await backend.news("q", HOUR)
                    await self.report(backend, claim, ItemState.FINISHED)

    async def test_a_log_is_kept_by_offset_without_gaps_or_repeats(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """An append whose answer was lost is repeated, and may overlap."""
        await self.queue(hub)
        item = await self.launch(hub)
        claim = await self.claimed(backend)
        for offset, data in ((0, b"one "), (0, b"one "), (2, b"e two"), (7, b"\xff\x00\n")):
            await backend.append_log(claim, offset, data)
        assert await backend.log_size(claim) in {0, 10}  # 0: it does not tell
        await self.report(backend, claim, ItemState.FINISHED)
        assert await self.log(hub, item) == b"one two\xff\x00\n"

    async def test_the_leases_of_an_agent_known_to_be_dead_lapse(
        self, backend: QueueBackend, hub: Hub, advance: Advance
    ) -> None:
        """At once, or when their time is over."""
        await self.queue(hub)
        await self.launch(hub)
        claim = await self.claimed(backend, "a")
        await backend.leave("a", dead=True)
        if not (again := await backend.claim("q", make_capacity("b"))):
            await advance(claim.lease * 1.1)
            again = await self.claimed(backend, "b")
        assert again.item.id == claim.item.id

    async def test_an_agent_that_beats_is_seen_by_users(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """With how many items it holds."""
        await self.queue(hub)
        await self.launch(hub)
        claim = await self.claimed(backend, "gpu-1")
        await backend.beat(make_status("gpu-1"), [claim], 0)
        (seen,) = await hub.agents()
        assert (seen.status.name, seen.held, seen.online) == ("gpu-1", 1, True)

    async def test_an_archive_comes_back_byte_for_byte_and_an_unknown_one_is_not_found(
        self, backend: QueueBackend, hub: Hub
    ) -> None:
        """Packed code goes from the user's machine to the agent's."""
        pieces = [bytes([number]) * 100_000 for number in range(3)]

        async def chunks() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        digest = "0" * 64
        with pytest.raises(NotFound):
            [piece async for piece in backend.archive(digest)]
        await hub.jobs().put_archive(digest, chunks())
        assert await hub.jobs().has_archive(digest)
        assert b"".join([piece async for piece in backend.archive(digest)]) == b"".join(pieces)

    async def test_a_lock_has_one_holder(self, backend: QueueBackend, advance: Advance) -> None:
        """As long as it is renewed; and what another lets go of is not given back."""
        assert await backend.acquire_lock("image", "a", HOUR)
        await backend.release_lock("image", "b")
        if await backend.acquire_lock("image", "b", HOUR):
            pytest.skip("it knows no locks")
        assert await backend.acquire_lock("image", "a", 1.0)
        await advance(1.5)
        assert await backend.acquire_lock("image", "b", HOUR)
