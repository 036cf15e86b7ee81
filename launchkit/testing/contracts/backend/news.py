"""News: how agents wait for work."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio

from launchkit.abc import Hold, Release
from launchkit.model import Claim, ItemState, Pause
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.service import HOUR, PAUSE, Service
from launchkit.testing.makers import make_capacity


class NewsContract(ServiceContract):
    """What `news` promises."""

    async def test_one_who_waits_for_news_is_woken_by_a_launch(self, service: Service) -> None:
        """And one that came just before the wait is not missed."""
        await service.queue()
        for _ in range(2):
            await _comes(service, "a launch wakes who waits for news", service.launch)

    async def test_a_launch_between_a_claim_and_the_wait_is_not_missed(
        self, service: Service
    ) -> None:
        """News count from the last claim, not from the wait."""
        await service.queue()
        for _ in range(2):
            await service.gives_nothing("an empty queue gives nothing", "a")
            await service.launch()
            with service.within("news since the last claim end the wait"):
                while (claim := await service.raw.claim("q", make_capacity())) is None:
                    await service.raw.news("q", HOUR)
                await service.raw.news("q", PAUSE)
            await service.report(claim, ItemState.FINISHED)
        await service.gives_nothing("an empty queue gives nothing", "a")
        await service.launch()
        with service.within("a launch since the last claim ends the wait for news"):
            await service.raw.news("q", HOUR)

    async def test_one_who_waits_for_news_is_woken_when_a_pause_ends(
        self, service: Service
    ) -> None:
        """By a person."""
        spec = await service.queue()
        await service.update(spec, Pause(reason="upgrade", by="ann", at=0))
        await service.launch()
        await _comes(service, "a resumed queue wakes who waits", lambda: service.update(spec))

    async def test_one_who_waits_for_news_is_woken_when_there_is_room(
        self, service: Service
    ) -> None:
        """By an end, or by a higher limit."""
        spec = await service.queue(max_concurrent=1)
        first = await service.started(agent="b")
        await service.launch()
        await _comes(
            service, "an end wakes who waits", lambda: service.report(first, ItemState.FINISHED)
        )
        await service.started(agent="b")
        await service.launch()
        more = replace(spec, max_concurrent=2)
        await _comes(service, "a higher limit wakes who waits", lambda: service.update(more))

    async def test_one_who_waits_for_news_is_woken_by_what_comes_back(
        self, service: Service
    ) -> None:
        """From an agent, or from a person who held it."""
        await service.queue()
        claim = await service.started(agent="b")
        await _comes(service, "what is given back wakes who waits", lambda: service.requeue(claim))
        item = await service.launch()
        await service.launches.change(item.id, Hold(reason="later"), "ann")

        async def release() -> None:
            await service.launches.change(item.id, Release(), "ann")

        await _comes(service, "what is released wakes who waits", release)

    async def test_news_wait_as_long_as_they_are_told_and_no_longer(self, service: Service) -> None:
        """An agent without work rests."""
        await service.queue()
        await service.gives_nothing("an empty queue gives nothing", "a")
        await service.waits("`news`", lambda: service.backend.news("q", PAUSE))


async def _comes(service: Service, promise: str, act: Callable[[], Awaitable[object]]) -> None:
    """Claim, in vain until *act* has been done; the item ends then."""
    await service.gives_nothing("nothing can be given yet", "a")
    got: list[Claim] = []

    async def listen() -> None:
        while not got:  # it may wake for nothing
            await service.raw.news("q", HOUR)
            if claim := await service.raw.claim("q", make_capacity()):
                got.append(claim)

    await service.woken(promise, listen, act)
    await anyio.lowlevel.checkpoint()
    await service.report(got[0], ItemState.FINISHED)
