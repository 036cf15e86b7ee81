"""How a journey ends: what runs is gone or left alone, the outcome is stored, the rest removed."""

from contextlib import suppress
from dataclasses import dataclass, replace

import anyio

from launchkit.abc import Run, Runner
from launchkit.agent.intent import Intent
from launchkit.agent.kit import Kit
from launchkit.agent.outcomes import preempted, untold
from launchkit.agent.persist import persist
from launchkit.agent.pump import REST_SECONDS, Rest, pump
from launchkit.agent.reporter import Reporter
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import (
    Forbidden,
    LeaseLost,
    NotFound,
    QueueError,
    RunLost,
    Unauthenticated,
    unwrapped,
)
from launchkit.model import ENDING_STATES, Claim, ItemReport, ItemState, Outcome, RunState
from launchkit.observe import Journal
from launchkit.shell_words import shell_command

REPORT_SECONDS = 30.0
ANNOUNCE_SECONDS = 30.0
"""How long the queue is waited for before a run is ended, so that it knows why."""
LEAVE_SECONDS = 5.0
"""The same, where the agent goes away."""
GONE_SECONDS = 60.0
"""Beyond the grace, how long a run may take to be gone before ending it is tried again."""
MAX_PREEMPTIONS = 5
"""W&B's limit: a run that is preempted more often fails."""
MAX_LAPSES = 5
"""So many agents in a row may die while they prepare a launch, before a person is asked."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A run that this agent watches."""

    run: Run
    runner: Runner
    intent: Intent


@dataclass(frozen=True, kw_only=True)
class Unstarted:
    """What may be left of a run that was about to be submitted, and is not there."""

    runner: Runner
    ref: str


class Ending:
    """The last part of one claim's way, for a run that is *held*, or none."""

    def __init__(
        self, claim: Claim, kit: Kit, reporter: Reporter, log: Journal, hurry: anyio.Event
    ) -> None:
        self.requeued = False
        self._hurry = hurry
        self._claim = claim
        self._kit = kit
        self._reporter = reporter
        self._logger = log

    async def pumped(self, held: Held, rest: Rest | None = None) -> None:
        """Store what the run prints until it has ended, or its *rest* is over."""
        base = held.intent.log_base
        await pump(held.run, self._kit.backend, self._claim, self._logger, base, rest)

    async def gone(self, held: Held, outcome: Outcome) -> None:
        """End a run for the reason that *outcome* tells, which is stored before it is told; come
        back only when it is verified over and its log is stored, or too much of that was left.
        """
        if held.intent.ends_as is None:
            await self._announced(outcome)
        rest = Rest(self._hurry)
        for pause in pauses(Backoff()):
            grace = self._grace(held)
            with anyio.move_on_after(grace + GONE_SECONDS, shield=True) as scope:
                with suppress(RunLost), unwrapped():
                    async with anyio.create_task_group() as tasks:
                        # where its log goes with it, its last words are read while it ends
                        tasks.start_soon(self.pumped, held, rest)
                        await self._cancelled(held.run, grace)
                        scope.deadline += REST_SECONDS
                        rest.begun.set()
                return
            await anyio.sleep(pause)

    async def _announced(self, outcome: Outcome) -> None:
        try:
            await self._reporter.announce(outcome, ANNOUNCE_SECONDS)
        except LeaseLost:
            raise
        except QueueError as exc:  # it ends, whether its queue takes why or not
            message = "launch %s: why it is ended could not be stored before: %s"
            self._logger.warning(message, self._claim.item.id, exc, action="fault")

    async def store(self, outcome: Outcome, left: Held | Unstarted | None) -> None:
        """Store how it ended, then remove what it left: in this order a crash loses nothing."""
        problem = "its end could not be stored in time; left for its next holder"
        with anyio.move_on_after(REPORT_SECONDS, shield=True) as scope:
            await self._told(self._last_report(outcome))
            problem = "what it left could not be removed in time"
            await self.clear_away(left)
        if scope.cancelled_caught:
            self._logger.warning("launch %s: %s", self._claim.item.id, problem, action="leave")

    async def _told(self, report: ItemReport) -> None:
        """Tell the end; where the queue keeps nothing of what a plugin says of it, that alone."""
        try:
            await self._reporter.report(report)
        except (LeaseLost, Unauthenticated, Forbidden, NotFound):
            raise
        except Exception as exc:  # noqa: BLE001 - what no queue keeps is told by many
            message = "launch %s: why it ended cannot be told: %r"
            self._logger.warning(message, self._claim.item.id, exc, action="fault")
            verdict = untold(report.state, exc)
            report = replace(report, message=verdict.summary, verdict=verdict)
            await self._reporter.report(replace(report, exit_code=None, ran=None))

    async def clear_away(self, left: Held | Unstarted | None) -> None:
        """Remove what an ended run left, or one that never began, as far as that can be."""
        try:
            if isinstance(left, Unstarted):
                await left.runner.discard(left.ref)
            elif left is not None:
                await left.run.aclose()
        except Exception as exc:  # noqa: BLE001 - a runner may raise anything
            message = "launch %s: what it left cannot be removed: %r"
            self._logger.warning(message, self._claim.item.id, exc, action="leave")

    async def put_back(self, why: str) -> None:
        """Let an agent that can do it have the launch; a try that never began does not count. What
        runs already is left under its lease, for only its ref leads to it.
        """
        if self._claim.item.ref:
            await self._reporter.mark(why)
        else:
            self.requeued = True
            await self._reporter.report(ItemReport(state=ItemState.QUEUED, message=why))

    async def hold(self, left: Unstarted | None) -> None:
        """Let a person see to a launch that may be what ended all of its agents."""
        again = shell_command("launchkit", "requeue", self._claim.item.id)
        message = (
            f"{self._claim.lapses} agents in a row fell silent while they prepared it, perhaps"
            f" because of it; to have it tried again: {again}"
        )
        next_attempt = left is not None  # what is removed of this one is taken for its end
        report = ItemReport(state=ItemState.HELD, message=message, next_attempt=next_attempt)
        await self._reporter.report(report)
        await self.clear_away(left)

    async def disown(self, held: Held, exc: LeaseLost) -> None:
        """End what this agent submitted for an item that somebody ended, or tried again, while it
        slept; what has a new holder is left to it.
        """
        if not exc.ended and not await self._is_over():
            return
        grace = self._grace(held)
        with anyio.move_on_after(grace + GONE_SECONDS, shield=True):
            with suppress(RunLost):
                await held.run.cancel(grace)
            await self.clear_away(held)

    async def _is_over(self) -> bool:
        """Whether this attempt is over for the queue."""
        item, over = self._claim.item, self._kit.backend.over
        with anyio.move_on_after(REPORT_SECONDS), suppress(QueueError):
            told = await persist(lambda: over({item.id: item.attempt}), "the queue", self._logger)
            return item.id in told
        return False

    async def leave(self, held: Held | None) -> None:
        """The agent goes away: what survives it is left alone; the rest goes back to the queue."""
        message = f"agent {self._kit.site.agent} is shutting down"
        if held is not None:
            if held.runner.survives_agent:
                return
            with suppress(QueueError):  # it ends with its agent, whoever knows why
                await self._reporter.announce(preempted(message), LEAVE_SECONDS)
            await held.run.cancel(self._grace(held))
        report = ItemReport(state=ItemState.QUEUED, message=message, next_attempt=held is not None)
        try:
            await self._kit.backend.report(self._claim, report)
        except QueueError as exc:
            self._logger.warning("launch %s: %s", self._claim.item.id, exc, action="leave")

    def _grace(self, held: Held) -> float:
        return 0.0 if self._hurry.is_set() else held.intent.limits.stop_grace

    async def _cancelled(self, run: Run, grace: float) -> None:
        """End it; without the rest of its grace as soon as somebody wants that."""

        async def hurry() -> None:
            await self._hurry.wait()
            await run.cancel(0.0)

        with unwrapped():
            async with anyio.create_task_group() as tasks:
                if grace > 0:
                    tasks.start_soon(hurry)
                await run.cancel(grace)
                tasks.cancel_scope.cancel()

    def _last_report(self, outcome: Outcome) -> ItemReport:
        attempt = self._claim.item.attempt
        if outcome.state is RunState.PREEMPTED and attempt <= MAX_PREEMPTIONS:
            self.requeued = True
            message = f"preempted: {outcome.verdict.summary}"
            return ItemReport(state=ItemState.QUEUED, message=message, next_attempt=True)
        return ItemReport(
            state=ENDING_STATES.get(outcome.state, ItemState.FAILED),
            message=outcome.verdict.summary,
            exit_code=outcome.exit_code,
            verdict=outcome.verdict,
            ran=outcome.ran,
        )
