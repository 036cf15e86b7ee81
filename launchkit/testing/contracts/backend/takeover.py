"""Leases: who keeps an item, and who takes over what a dead agent held."""

import pytest

from launchkit.abc import GiveUp
from launchkit.errors import Conflict, LeaseLost
from launchkit.model import ItemState, Pause
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import Service, only
from launchkit.testing.makers import make_status


class TakeOverContract(ServiceContract):
    """What `claim` promises of items whose agent fell silent, and `leave` of dead agents."""

    async def test_a_lapsed_lease_is_given_again_with_ref_attempt_and_run_id(
        self, service: Service
    ) -> None:
        """So that the next agent finds the run that the dead one started."""
        await service.queue()
        first = await service.started(agent="a")
        await service.report(first, ItemState.RUNNING, ref="ref-1", resolved={"image": "i"})
        await service.gives_nothing("a lease keeps an item from other agents")
        await service.lapse(first)
        second = await service.claim("b")
        item = second.item
        assert (item.ref, item.run_id) == ("ref-1", first.item.run_id), (
            "one who takes over gets the ref of the run, and the run id"
        )
        assert (item.attempt, item.state) == (1, ItemState.RUNNING), (
            "taking over is no new attempt, and leaves the state as it is"
        )
        assert (item.agent, item.resolved) == ("b", {"image": "i"}), (
            "what is taken over has its new agent, and what the old one resolved"
        )
        assert second.token != first.token, "each claim has a token of its own"

    async def test_a_lapsed_item_comes_before_those_that_wait(self, service: Service) -> None:
        """Its run may be under way."""
        await service.queue()
        await service.launch("early")
        await service.launch("late")
        await service.claim("a")
        late = await service.claim("a")
        await service.launch("next")
        await service.lapse(late)
        names = [(await service.claim("b")).item.name for _ in range(3)]
        assert {*names[:2]} == {"early", "late"}, "what fell silent is given before what waits"
        assert names[2] == "next", "what waits is given after what fell silent"

    async def test_a_claim_tells_how_many_holders_fell_silent_before_there_was_a_run(
        self, service: Service
    ) -> None:
        """A launch that ends its agents is not taken up for ever."""
        await service.queue()
        claim = await service.started()
        assert claim.lapses == 0, "what was never held has no lapses"
        for number, state in enumerate((ItemState.BUILDING, ItemState.SUBMITTING, None), start=1):
            await service.lapse(claim)
            claim = await service.claim("b")
            assert claim.lapses == number, "each that fell silent before there was a run counts"
            if state:
                await service.report(claim, state)
        await service.report(claim, ItemState.RUNNING, ref="pod-1")
        await service.lapse(claim)
        claim = await service.claim("c")
        assert claim.lapses == 0, "who fell silent while it ran does not count, nor who did before"

    async def test_what_is_given_back_has_no_lapses(self, service: Service) -> None:
        """Its agent has lived to say so."""
        await service.queue()
        claim = await service.started()
        await service.lapse(claim)
        await service.requeue(await service.claim("b"))
        claim = await service.claim("c")
        assert claim.lapses == 0, "what was given back has no lapses"

    async def test_a_run_of_one_site_is_taken_over_there_only(self, service: Service) -> None:
        """Nobody else could find it again; before it is submitted, anybody can."""
        await service.queue()
        local = await service.started("local", agent="a", site="here")
        await service.report(local, ItemState.RUNNING, ref="pid-1", site="here")
        await service.lapse(local)
        await service.gives_nothing("a run of one site is not given to another", "b", "there")
        assert (await service.claim("c", "here")).item.ref == "pid-1", (
            "a take-over at its own site gets the ref of the run"
        )

    async def test_what_a_silent_agent_holds_can_be_given_up(self, service: Service) -> None:
        """Its place may be gone for good, and its run with it: a person says so."""
        await service.queue(max_concurrent=1)
        claim = await service.started(agent="a", site="here")
        give_up = GiveUp(reason="the machine burned")
        await service.report(claim, ItemState.RUNNING, ref="pid-1", site="here")
        with refused(Conflict, "what an agent that is there holds is not given up"):
            await service.launches.change(claim.item.id, give_up, "bob")
        await service.lapse(claim)
        await service.launches.stop(claim.item.id, "bob", None)
        reason = (await service.view(claim.item)).reason
        assert "stop --give-up" in str(reason), "who waits in vain is told of it"
        ended = await service.launches.change(claim.item.id, give_up, "bob")
        assert ended.state is ItemState.FAILED, "what is given up has failed"
        again = await service.launches.change(claim.item.id, give_up, "eve")
        assert again == ended, "what is given up stays as it is"
        verdict = ended.verdict
        assert verdict is not None, "what is given up says why"
        assert verdict.code == "run_lost", "what is given up says that nobody could look"
        assert "given up by bob: the machine burned; agent a fell silent" in verdict.summary, (
            "what is given up says by whom, why, and who held it"
        )
        assert await service.backend.over({claim.item.id: 1}), "it is over for who comes back"
        with refused(LeaseLost, "what is given up is lost to its agent"):
            await service.report(claim, ItemState.FINISHED)
        await service.launch("next")
        assert (await service.claim("b")).item.name == "next", "what is given up makes room"

    async def test_what_no_agent_has_is_stopped_and_not_given_up(self, service: Service) -> None:
        """There is no run that nobody can look at."""
        await service.queue()
        item = await service.launch()
        with refused(Conflict, "what waits is not given up"):
            await service.launches.change(item.id, GiveUp(), "bob")

    async def test_a_run_of_no_site_is_taken_over_anywhere(self, service: Service) -> None:
        """It can be found from each machine."""
        await service.queue()
        claim = await service.started(agent="a", site="here")
        await service.report(claim, ItemState.RUNNING, ref="pod-1")
        await service.lapse(claim)
        assert (await service.claim("b", "there")).item.ref == "pod-1", (
            "a run whose report names no site is taken over by any agent"
        )

    async def test_neither_a_pause_nor_a_limit_is_in_the_way_of_a_take_over(
        self, service: Service
    ) -> None:
        """The place was given already."""
        spec = await service.queue(max_concurrent=1)
        claim = await service.started()
        await service.update(spec, Pause(reason="upgrade", by="ann", at=0))
        await service.lapse(claim)
        assert (await service.claim("b")).item.id == claim.item.id, (
            "what an agent that fell silent held is given in spite of a pause and a limit"
        )

    async def test_a_beat_renews_the_leases_that_it_names(self, service: Service) -> None:
        """Only the silent lose theirs."""
        await service.queue()
        claims = [await service.started(name) for name in ("one", "two")]
        for _ in range(3):
            await service.advance(claims[0].lease * 0.6)
            orders = await service.beat(*claims)
            assert not orders.lost, "a lease that is renewed in time is not lost"
            await service.gives_nothing("a beat renews each lease that it names")

    async def test_a_lease_that_no_beat_names_lapses_though_its_agent_lives(
        self, service: Service
    ) -> None:
        """An agent that was started anew does not know what it held."""
        await service.queue()
        kept, lost = [await service.started(name) for name in ("kept", "lost")]
        await service.advance(kept.lease * 0.6)
        await service.beat(kept)
        await service.advance(kept.lease * 0.6)
        assert (await service.claim("b")).item.id == lost.item.id, (
            "a lease that no beat names lapses, also when its agent beats"
        )
        await service.gives_nothing("a beat renews the leases that it names", "c")

    async def test_writes_with_a_stale_token_are_refused(self, service: Service) -> None:
        """An agent that slept must not overwrite what its successor says."""
        await service.queue()
        old = await service.started()
        await service.lapse(old)
        new = await service.claim("b")
        with refused(LeaseLost, "a report with a stale token is refused"):
            await service.report(old, ItemState.FAILED)
        with refused(LeaseLost, "a message with a stale token is refused"):
            await service.report(old, ItemState.CLAIMED, message="I am back")
        with refused(LeaseLost, "output with a stale token is refused"):
            await service.backend.append_log(old, 0, b"text")
        with refused(LeaseLost, "giving back with a stale token is refused"):
            await service.requeue(old)
        item = await service.item(new.item)
        assert (item.state, item.message, item.agent) == (ItemState.CLAIMED, None, "b"), (
            "a write with a stale token changes nothing"
        )
        assert not (await service.page(new)).data, "output with a stale token is not kept"

    async def test_a_beat_says_which_leases_are_lost_and_does_not_renew_them(
        self, service: Service
    ) -> None:
        """Also when the same agent took the item over."""
        await service.queue()
        old = await service.started(agent="a")
        await service.lapse(old)
        new = await service.claim("a")
        held = await service.started("other")
        orders = await service.beat(old, held)
        assert orders.lost == {old.item.id}, "a beat says which leases are lost, and no others"
        await service.advance(new.lease * 0.6)
        await service.beat(old, held)
        await service.advance(new.lease * 0.6)
        assert (await service.claim("b")).item.id == new.item.id, (
            "a beat with a stale token renews nothing"
        )

    async def test_the_leases_of_an_agent_known_to_be_dead_lapse_at_once(
        self, service: Service
    ) -> None:
        """And those of no other agent."""
        if not self.learns_of_ends:
            pytest.skip("the backend does not learn of ends")
        await service.queue()
        dead = await service.started("dead", agent="a")
        await service.started("alive", agent="b")
        await service.backend.leave("a", dead=True)
        assert (await service.claim("c")).item.id == dead.item.id, (
            "the leases of an agent known to be dead lapse at once"
        )
        await service.gives_nothing("the leases of other agents stay when one is dead", "c")

    async def test_the_leases_of_an_agent_that_left_run_on(self, service: Service) -> None:
        """Its runs may go on, and it may come back."""
        await service.queue()
        claim = await service.started(agent="a")
        await service.beat(claim)
        await service.backend.leave("a", dead=False)
        await service.gives_nothing(
            "the leases of an agent that left lapse when their time is over"
        )
        if self.learns_of_ends:
            online = {view.status.name for view in await service.hub.agents() if view.online}
            assert "a" not in online, "an agent that left is not online"
        await service.report(claim, ItemState.RUNNING)
        await service.lapse(claim)
        assert (await service.claim("b")).item.id == claim.item.id, (
            "what fell silent is given again"
        )

    async def test_an_agent_that_beats_is_seen_by_users(self, service: Service) -> None:
        """With how many items it holds, and what it last said of itself."""
        await service.queue()
        claims = [await service.started(name, agent="gpu-1") for name in ("one", "two")]
        await service.beat(*claims, agent="gpu-1")
        seen = only(await service.hub.agents(), "users see each agent that has beaten, once")
        assert (seen.status, seen.held, seen.online) == (make_status("gpu-1"), 2, True), (
            "users see what an agent says about itself, and how many items it holds"
        )
        await service.report(claims[0], ItemState.FINISHED)
        seen = only(await service.hub.agents(), "users see each agent that has beaten, once")
        assert seen.held == 1, "an agent does not hold what has ended"
