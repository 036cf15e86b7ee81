"""What may go wrong with a request to a server, and lives in which it does."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

import anyio
import pytest

from launchkit.testing.contracts.deadline import PROMISED
from launchkit.testing.counterparts import Gateway, Intervention
from launchkit.testing.counterparts.gateway import hang_up

DELAY_SECONDS = 0.2
TIMES = 2
"""Clients of HTTP send some requests a second time by themselves."""
Life = Callable[[], Awaitable[None]]


async def _delay() -> None:
    await anyio.sleep(DELAY_SECONDS)


DELAYED = Intervention("", before=_delay)
"""Others come first."""
REFUSED = Intervention("", times=TIMES, before=hang_up)
"""The connection breaks before the server knows of it."""
DONE_TWICE = Intervention("", twice=True)
"""As when something on the way repeats it; the second answer counts."""
ANSWER_LOST = Intervention("", during=hang_up)
"""It is done, and nobody knows."""
THROTTLED = Intervention("", throttled=True)
"""Status 429: it is asked again later."""
FAULTS: Mapping[str, Intervention] = {
    "delayed": DELAYED,
    "refused": REFUSED,
    "done twice": DONE_TWICE,
    "answer lost": ANSWER_LOST,
    "throttled": THROTTLED,
}


async def go_well(
    way: Gateway,
    life: Life,
    fault: Intervention,
    *,
    but: Callable[[str], bool] = lambda kind: False,
    polled: Sequence[str] = (),
    nth: int = 1,
) -> Collection[str]:
    """A life for each kind of request that goes *way*, with *fault* done to the first of them,
    unless *but* says that it is left out; the kinds that are not. All are throttled in one
    life, since each costs a wait; none may come again before that is over, unless it begins with a
    word of *polled*: these are asked as often as it takes, and some in some lives alone. Any other
    fault is done to each *nth* kind, and to others than the next fault is.
    """
    hit = [kind for kind in await _kinds(way, life) if not but(kind)]
    first = [*FAULTS.values()].index(fault) % nth
    for some in [hit] if fault.throttled and hit else [[kind] for kind in hit[first::nth]]:
        missed = await _goes_well(way, life, [replace(fault, kind=kind) for kind in some])
        needed = [kind for kind in missed if not kind.startswith((*polled,))]
        assert not needed, f"each life asks {needed[0]!r}, but this one did not"
        hasty = [kind for kind in way.hasty if not kind.startswith((*polled,))]
        assert not hasty, f"what Retry-After tells is waited for, but {hasty[0]!r} comes sooner"
    return hit


async def _kinds(way: Gateway, life: Life) -> list[str]:
    """Those of a life in peace."""
    way.interventions = []
    way.kinds.clear()
    await life()
    assert way.kinds, "what is asked goes through the gateway, but nothing comes there"
    return list(dict.fromkeys(way.kinds))


async def _goes_well(way: Gateway, life: Life, faults: list[Intervention]) -> list[str]:
    """Have the life; the kinds of those faults that did not come about."""
    way.interventions = faults
    way.happened.clear()
    way.hasty.clear()
    try:
        await life()
    except (Exception, pytest.fail.Exception) as exc:
        at = way.happened[-1].kind if way.happened else faults[0].kind
        exc.add_note(f"{PROMISED}trouble that passes is outlasted, but it goes wrong with {at!r}")
        raise
    return [one.kind for one in faults if one not in way.happened]
