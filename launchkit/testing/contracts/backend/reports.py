"""What an agent reports, and what users then see."""

import pytest

from launchkit.errors import LeaseLost
from launchkit.model import ENDED, ItemReport, ItemState, Verdict
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import Service

VERDICT = Verdict(code="user_exit", summary="It ended.", evidence=("line 1", "2"), hint="Read.")


class ReportContract(ServiceContract):
    """What `report` promises."""

    async def test_each_state_is_an_event_and_shown_to_the_user(self, service: Service) -> None:
        """In the order in which they were reported."""
        await service.queue()
        claim = await service.started()
        states = [
            ItemState.BUILDING, ItemState.SUBMITTING, ItemState.STARTING, ItemState.RUNNING,
            ItemState.FINISHED,
        ]  # fmt: skip
        for state in states:
            await service.report(claim, state)
            assert (await service.item(claim.item)).state is state, "a reported state is shown"
        events = await service.events(claim.item, "state")
        assert [event.state for event in events] == [
            ItemState.QUEUED,
            ItemState.CLAIMED,
            *states,
        ], "each state that is reported is an event, in order"
        assert {event.actor for event in events[2:]} == {"a"}, "the actor of a report is its agent"

    async def test_each_field_of_a_report_is_kept(self, service: Service) -> None:
        """For the user, and for the agent that takes over."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, ItemState.SUBMITTING, resolved={"image": "i", "args": [1, {}]})
        await service.report(claim, ItemState.RUNNING, ref="ref-1", message="at work")
        item = await service.item(claim.item)
        assert item.resolved == {"image": "i", "args": [1, {}]}, "`resolved` is kept"
        assert (item.ref, item.message) == ("ref-1", "at work"), "`ref` and `message` are kept"
        await service.report(claim, ItemState.FAILED, exit_code=0, verdict=VERDICT, message="over")
        item = await service.item(claim.item)
        assert item.exit_code == 0, "`exit_code` is kept, also 0"
        assert item.verdict == VERDICT, "`verdict` is kept, with its evidence and hint"
        assert item.message == "over", "the message of an end is kept"

    async def test_what_a_report_leaves_out_stays_as_it_is(self, service: Service) -> None:
        """None leaves a field as it is."""
        await service.queue()
        claim = await service.started()
        await service.report(
            claim, ItemState.RUNNING, ref="r", resolved={"a": 1}, exit_code=3, verdict=VERDICT
        )
        await service.report(claim, ItemState.RUNNING)
        await service.report(claim, ItemState.FAILED)
        item = await service.item(claim.item)
        assert (item.ref, item.resolved, item.exit_code, item.verdict) == (
            "r", {"a": 1}, 3, VERDICT,
        ), "what a report leaves out stays as it is"  # fmt: skip

    async def test_what_is_going_on_in_a_state_is_an_event_too(self, service: Service) -> None:
        """Once, until another message comes, and until the state changes."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, ItemState.BUILDING)
        for message in ("step 1", "step 1", "step 2"):
            await service.report(claim, ItemState.BUILDING, message=message)
        assert (await service.item(claim.item)).message == "step 2", "the last message is shown"
        await service.report(claim, ItemState.BUILDING)
        assert (await service.item(claim.item)).message == "step 2", (
            "a report without a message leaves it as it is"
        )
        await service.report(claim, ItemState.SUBMITTING)
        assert (await service.item(claim.item)).message is None, "a new state ends the message"
        causes = [event.cause for event in await service.events(claim.item, "progress")]
        assert causes == ["step 1", "step 2"], "each new message is an event, once"

    async def test_each_warning_is_an_event(self, service: Service) -> None:
        """Whoever reads the timeline sees them."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, ItemState.BUILDING, warnings=("old base", "no lock file"))
        causes = [event.cause for event in await service.events(claim.item, "warning")]
        assert causes == ["old base", "no lock file"], "each warning of a report is an event"

    async def test_a_run_has_the_times_at_which_it_began_and_ended(self, service: Service) -> None:
        """By the clock of the queue."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, ItemState.STARTING)
        assert (await service.item(claim.item)).started_at is None, "what starts does not run yet"
        await service.report(claim, ItemState.RUNNING)
        began = (await service.item(claim.item)).started_at
        assert began, "an item has the time at which it began to run"
        await service.advance(claim.lease / 4)
        await service.report(claim, ItemState.RUNNING, message="on")
        item = await service.item(claim.item)
        assert item.started_at == began, "a run begins once"
        assert item.ended_at is None, "what runs has not ended"
        await service.report(claim, ItemState.FINISHED)
        ended = await service.item(claim.item)
        assert ended.started_at == began, "what has ended keeps the time at which it began"
        assert ended.ended_at, "an item has the time at which it ended"
        assert ended.ended_at > began, "a run ends after it began"

    @pytest.mark.parametrize(
        ("ran", "lasts"), [(0.25, 0.25), (1000, None), (-1, None)], ids=["known", "more", "less"]
    )
    async def test_a_run_that_ended_before_that_was_told_is_as_long_as_it_ran(
        self, service: Service, ran: float, lasts: float | None
    ) -> None:
        """In leases; no end comes before its start, nor after it was told."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, ItemState.RUNNING)
        began = (await service.item(claim.item)).started_at or 0
        await service.advance(claim.lease / 2)
        await service.report(claim, ItemState.FINISHED, ran=ran * claim.lease)
        item = await service.item(claim.item)
        wanted = item.updated_at if lasts is None else began + lasts * claim.lease
        assert item.ended_at == pytest.approx(wanted), (
            "a run ends so long after its start as it ran, if that can be, else when it is told"
        )

    @pytest.mark.parametrize("ran", [0.25, 1000], ids=["known", "more"])
    async def test_a_run_that_was_over_before_anybody_looked_has_a_start(
        self, service: Service, ran: float
    ) -> None:
        """In leases; none begins before it was launched."""
        await service.queue()
        claim = await service.started()
        await service.advance(claim.lease / 2)
        await service.report(claim, ItemState.FINISHED, ran=ran * claim.lease)
        item = await service.item(claim.item)
        assert item.ended_at == item.updated_at, "it has ended when that is told"
        began = max(item.created_at, item.updated_at - ran * claim.lease)
        assert item.started_at == pytest.approx(began), "it began as long before as it ran"

    async def test_an_end_that_is_reported_again_is_no_error(self, service: Service) -> None:
        """The first answer may have been lost. Nothing is stored twice."""
        await service.queue()
        claim = await service.started()
        report = ItemReport(state=ItemState.FAILED, exit_code=3, verdict=VERDICT, warnings=("w",))
        await service.backend.report(claim, report)
        before = await service.item(claim.item)
        events = await service.events(claim.item)
        await service.advance(claim.lease / 4)
        await service.backend.report(claim, report)
        assert await service.item(claim.item) == before, "an end reported again changes nothing"
        assert await service.events(claim.item) == events, "an end reported again is no new event"

    @pytest.mark.parametrize("end", sorted(ENDED), ids=str)
    async def test_what_has_ended_is_not_opened_again(
        self, service: Service, end: ItemState
    ) -> None:
        """A state that ends the item ends the claim too."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, end, verdict=VERDICT)
        ended = await service.item(claim.item)
        others = {ItemState.RUNNING, ItemState.QUEUED, ItemState.HELD, *ENDED} - {end}
        for state in sorted(others):
            with refused(LeaseLost, "an end is final; another report is refused"):
                await service.report(claim, state, exit_code=9)
        with refused(LeaseLost, "what has ended takes no output"):
            await service.backend.append_log(claim, 0, b"text")
        assert await service.item(claim.item) == ended, "what has ended does not change any more"

    async def test_a_report_changes_its_own_item_only(self, service: Service) -> None:
        """An agent holds several."""
        await service.queue()
        one, two = [await service.started(name) for name in ("one", "two")]
        await service.report(one, ItemState.RUNNING, ref="ref-1", message="on")
        assert await service.item(two.item) == two.item, "a report changes no other item"
