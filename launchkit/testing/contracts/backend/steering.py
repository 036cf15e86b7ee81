"""Agents that people pause, resume, and tell to end."""

from launchkit.abc import Drain, PauseAgent, ResumeAgent
from launchkit.errors import NotFound
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import HOUR, Service
from launchkit.testing.contracts.service import PAUSE as WAIT
from launchkit.testing.makers import make_capacity, make_status

PAUSE = PauseAgent(reason="new driver")


class SteeringContract(ServiceContract):
    """What `change_agent` promises."""

    async def test_a_paused_agent_is_given_nothing(self, service: Service) -> None:
        """It keeps what it has; others are given what waits."""
        await service.queue()
        held = await service.started(agent="a")
        await service.beat(held, agent="a")
        for _ in range(2):
            await service.hub.change_agent("a", PAUSE, "bob")
        item = await service.launch()
        await service.gives_nothing("a paused agent is given nothing", "a")
        why = await service.backend.blocked("q", make_capacity("a"))
        if self.explains:
            assert why, "a paused agent is told why it is given nothing"
            assert "new driver" in why, "a paused agent is told why it is given nothing"
            assert "bob" in why, "a paused agent is told who wants it so"
        assert (await service.beat(held, agent="a")).lost == frozenset(), "it keeps what it has"
        (view,) = await service.hub.agents()
        assert view.pause, "a pause is listed"
        assert (await service.claim("b")).item.id == item.id, "others are given what waits"

    async def test_a_pause_outlives_its_agent_until_it_is_resumed(self, service: Service) -> None:
        """An agent that is started again is as paused as before."""
        await service.queue()
        await service.beat(agent="a")
        await service.hub.change_agent("a", PAUSE, "bob")
        await service.backend.leave("a", dead=False)
        await service.launch()
        await service.beat(agent="a")
        await service.gives_nothing("a pause outlives its agent", "a")
        await service.hub.change_agent("a", ResumeAgent(), "bob")
        await service.claim("a")

    async def test_a_paused_agent_that_fell_silent_is_given_back_what_it_held(
        self, service: Service
    ) -> None:
        """What it had under way goes on: its limits hold, and it can be stopped."""
        await service.queue()
        own = await service.started("own", agent="a")
        other = await service.started("other", agent="b")
        await service.beat(own, agent="a")
        await service.hub.change_agent("a", PAUSE, "bob")
        await service.gives_nothing("a paused agent is given nothing", "a")
        await service.lapse(own)
        await service.lapse(other)
        await service.launch("next")
        with service.within("a paused agent that waits hears of what it is given back"):
            await service.raw.news("q", HOUR)
        again = await service.claim("a")
        assert again.item.id == own.item.id, "a paused agent is given back what it held itself"
        await service.gives_nothing("a paused agent is given nothing of others, and no more", "a")
        assert (await service.claim("b")).item.id == other.item.id, (
            "what another agent held is given to one who is not paused"
        )

    async def test_an_agent_is_told_to_end_and_its_successor_is_not(self, service: Service) -> None:
        """An order to end is for the agent that is there."""
        await service.beat(agent="a")
        await service.beat(agent="b")
        await service.hub.change_agent("a", Drain(), "bob")
        assert (await service.beat(agent="a")).drain, "an agent is told to end with its beat"
        assert not (await service.beat(agent="b")).drain, "no other agent is told to end"
        await service.backend.leave("a", dead=False)
        await service.backend.register(make_status("a"))
        assert not (await service.beat(agent="a")).drain, "the next agent is not told to end"

    async def test_an_agent_that_was_told_to_end_rests_until_there_is_something_new(
        self, service: Service
    ) -> None:
        """It drains for hours, and its beats come as before."""
        await service.queue()
        held = await service.started(agent="a")
        await service.beat(held, agent="a")
        await service.hub.change_agent("a", Drain(), "bob")
        assert (await service.beat(held, agent="a")).drain, "an agent is told to end"

        async def beat() -> None:
            await service.backend.beat(make_status("a"), [held], WAIT)

        await service.waits("a beat of an agent that was told to end", beat)
        await service.launches.stop(held.item.id, "bob", None)
        with service.within("an agent that was told to end hears of a stop without waiting"):
            orders = await service.raw.beat(make_status("a"), [held], HOUR)
        assert orders.stop, "an agent that was told to end hears of a stop, too"

    async def test_an_agent_that_is_not_there_is_not_found(self, service: Service) -> None:
        """It is not changed in silence."""
        with refused(NotFound, "an agent that was not seen is not found"):
            await service.hub.change_agent("no-such-agent", PAUSE, "bob")
