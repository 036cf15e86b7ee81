"""Requests that have proved nothing yet: of an address a few are worked on at once, and the others
wait for them, so that whoever proves something is answered meanwhile.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.lowlevel import checkpoint
from starlette.types import Scope

from launchkit.errors import Unreachable
from launchkit_server.problems import refusal_of
from launchkit_server.rates import PROVED
from launchkit_server.shares import InTurn, Places

STRANGER = "stranger"
"""Where the state of a request has its `Stranger`."""


class Stranger:
    """Who sends a request, as long as that proves nothing."""

    def __init__(self, places: Places, turns: InTurn) -> None:
        self._places = places
        self._turns = turns
        self._in_turn = True

    @classmethod
    @asynccontextmanager
    async def of(cls, scope: Scope, place: bytes, turns: InTurn) -> AsyncIterator["Stranger"]:
        """One of those at *place*, whose turn has come, for the time of the context.

        :raises Refusal: if it does not come.
        """
        async with Places.of(place) as places:
            stranger = scope["state"][STRANGER] = cls(places, turns)
            await stranger._take()
            yield stranger

    async def give_way(self) -> None:
        """Let others have their turn until this one can `go_on`."""
        if self._in_turn:
            await self._places.give_up()

    async def go_on(self) -> None:
        """Wait for the turn again, unless that is needed no more. :raises Refusal: if it does not
        come.
        """
        if self._in_turn:
            await self._take()

    async def _take(self) -> None:
        try:
            await self._places.take(self._turns)
        except Unreachable as exc:
            raise refusal_of(exc) from exc
        await checkpoint()  # what waits for nothing would be done at once for all who come together

    async def let_others(self) -> None:
        """It is the turn of others from now on."""
        self._in_turn = False
        await self._places.give_up()


async def proved(scope: Scope, who: bytes) -> None:
    """Note who it is that sends a request, who waits for no stranger any more."""
    scope["state"][PROVED] = who
    await let_others(scope)


async def let_others(scope: Scope) -> None:
    """Let other strangers have their turn: this one is proved, bounded otherwise, or answered."""
    stranger: Stranger | None = scope["state"].get(STRANGER)
    if stranger is not None:
        await stranger.let_others()
