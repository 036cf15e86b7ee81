"""Requests that wait until there is something to answer: long polling."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from launchkit_server.access import Caller
from launchkit_server.rates import asker
from launchkit_server.service import Service

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Poll(Generic[T]):
    """What one looks for."""

    look: Callable[[], Awaitable[T]]
    enough: Callable[[T], bool]
    """Whether what was found is worth an answer."""
    about: Sequence[str]
    """The topics that ring when there may be more."""


async def polled(poll: Poll[T], wait: float, service: Service, who: Caller) -> T:
    """What is found as soon as it is enough, or when the time is over. Who looks has a place among
    the large answers, and keeps it until the answer is taken; who waits has none.

    :raises Unreachable: if too many of the same one wait, or do not take their answers.
    """
    patience = service.patience(wait)
    hub = service.database.topics
    with service.waits.of(asker(who.principal)), hub.subscribed(*poll.about) as news:
        waited = await who.places.take(service.answers)
        found = await poll.look()
        if patience > 0 and not poll.enough(found):
            await who.places.give_up()
            if await news.wait(patience):
                await who.places.take(service.answers)
                async with service.following:
                    found = await poll.look()
    if wait > 0 or waited:
        await who.still()
    return found
