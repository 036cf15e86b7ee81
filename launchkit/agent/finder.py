"""A run of a launch that was started before is found again, as what is on record of it has it."""

from functools import partial

import anyio

from launchkit.abc import Run, Runner
from launchkit.agent.ending import Held
from launchkit.agent.intent import Intent
from launchkit.agent.interruption import Interruption
from launchkit.agent.patience import Patience, PatientRun, cause_of
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import Elsewhere, RunLost
from launchkit.model import Attempt, QueueItem
from launchkit.plain_text import shortened

LONGEST_REF = 200
"""Characters of a ref that are told."""


class Finder:
    """Finds the run of an item's attempt, through trouble with *patience*."""

    def __init__(self, item: QueueItem, patience: Patience, interruption: Interruption) -> None:
        self._own = Attempt(run_id=item.run_id, item_id=item.id, attempt=item.attempt)
        self._patience = patience
        self._interruption = interruption

    async def found(self, ref: str, runner: Runner, intent: Intent) -> Held:
        """The run that *ref* leads to; one that is elsewhere is looked for until a stop is wanted.

        :raises OthersRun: if it is the run of another launch.
        :raises RunLost: if it is gone, or was never started.
        :raises Elsewhere: if it is elsewhere, and somebody wants the launch to end.
        :raises Unwatchable: if foreign exceptions go on.
        """
        through = partial(self._patience.through, "found", passing=(RunLost, Elsewhere))
        for pause in pauses(Backoff()):
            try:
                run = await through(self._looked, ref, runner)
            except Elsewhere as exc:
                await self._patience.tell_of("found", exc)
                with anyio.move_on_after(pause):
                    await self._interruption.asked.wait()
                    raise self._given_up(ref, exc) from exc
            else:
                return Held(run=PatientRun(run, self._patience), runner=runner, intent=intent)
        raise AssertionError  # the pauses never end

    async def _looked(self, ref: str, runner: Runner) -> Run:
        await runner.require_own(ref, self._own)
        return await runner.attach(ref)

    def _given_up(self, ref: str, exc: Elsewhere) -> Elsewhere:
        return Elsewhere(
            f"{self._interruption.summary(started=True)} What is on record as its run,"
            f" {shortened(ref, LONGEST_REF)!r}, is not where this agent can look: {cause_of(exc)}",
            hint="if it is there, it may go on: look, and end it there",
        )
