"""Waiting for quota: launches that a place has no room for now, one try at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio

from launchkit.abc import Output
from launchkit.aio.retry import Backoff, pauses

LOGIN = "login"
"""Stands in the place of a kind where the agent has no credentials that count."""
BACKOFF = Backoff(first=5.0, cap=60.0, jitter=0.2)


@dataclass
class _Gate:
    why: str
    steps: Iterator[float]
    opens: float
    turn: anyio.Lock = field(default_factory=anyio.Lock)


class Quotas:
    """The kinds of instances for which there was no room. Launches of other kinds go on."""

    def __init__(self, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or BACKOFF
        self._gates: dict[str, _Gate] = {}

    async def wait(self, kind: str, out: Output) -> None:
        """Return when it may be tried: at once if nothing was refused."""
        gate = self._gates.get(kind)
        if gate is None:
            return
        await out.mark(f"waits for {'credentials' if kind == LOGIN else 'quota'}: {gate.why}")
        async with gate.turn:
            while (left := gate.opens - anyio.current_time()) > 0:  # noqa: ASYNC110 - it may grow
                await anyio.sleep(left)
            gate.opens = anyio.current_time() + self._backoff.first

    def refused(self, kind: str, why: str) -> None:
        """There is no room for it now."""
        gate = self._gates.setdefault(kind, _Gate(why, pauses(self._backoff), 0.0))
        gate.why = why
        gate.opens = anyio.current_time() + next(gate.steps)

    def went_well(self, kind: str) -> None:
        """There was room; the next one tries soon."""
        gate = self._gates.get(kind)
        if gate is None:
            return
        if not gate.turn.statistics().tasks_waiting and not gate.turn.locked():
            del self._gates[kind]
            return
        gate.steps = pauses(self._backoff)
        gate.opens = anyio.current_time()
