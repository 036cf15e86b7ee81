"""What a journey tells its queue of the item that it holds."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio

from launchkit.abc import QueueBackend
from launchkit.agent.persist import persist
from launchkit.codec import plain
from launchkit.model import (
    Claim,
    ItemReport,
    ItemState,
    Json,
    Outcome,
    RunState,
    RunStatus,
    Verdict,
)
from launchkit.model.claims import MOST_WARNINGS
from launchkit.observe import Journal, journal
from launchkit.plain_text import shortened, storable
from launchkit.resolving.secret_values import report_without_values, verdict_without_values

status_logger = logging.getLogger("launchkit.status")

MOST_CHARACTERS = 16 * 2**10
"""Of a message, a summary or a hint: what it repeats of others may be as long as they like."""
MOST_SEARCHED = 16 * MOST_CHARACTERS
"""As much of each is looked through for secrets before it is cut."""
LINES = 8
"""So many lines of evidence, or warnings, may be as long as one of these."""
MOST_EVIDENCE = 100
"""Lines of a verdict, as many as some twenty that were printed last and what a plugin adds."""
STATES = {RunState.STARTING: ItemState.STARTING, RunState.RUNNING: ItemState.RUNNING}


class Reporter:
    """Reports on one claim, each fact once, for as long as it takes to reach the queue; *secrets*
    are shown in no report.

    All of its methods raise LeaseLost if the claim is no longer ours.
    """

    def __init__(
        self, backend: QueueBackend, claim: Claim, log: Journal, secrets: Sequence[str] = ()
    ) -> None:
        self._backend = backend
        self._secrets = secrets
        self._claim = claim
        self._log = log
        self._told = journal(status_logger, str((log.extra or {}).get("agent", "")), claim)
        self.resolved: Json = claim.item.resolved or {}
        """What was last told that it came to."""
        self._last: tuple[ItemState, str | None] = (claim.item.state, None)
        self.running_since = claim.item.started_at
        """When it was first told to run, in Unix time by the queue's clock."""

    @property
    def state(self) -> ItemState:
        """What was last told."""
        return self._last[0]

    async def report(self, report: ItemReport, *, again: bool = False) -> None:
        """Tell a fact, unless it was the last one that was told; *again* tells it in any case."""
        report = replace(report, warnings=report.warnings[:MOST_WARNINGS])
        report = _in_short(report, MOST_SEARCHED)
        report = _in_short(report_without_values(report, self._secrets), MOST_CHARACTERS)
        fact = (report.state, report.message)
        if fact == self._last and not report.state.ended and not again:
            return
        call = partial(self._backend.report, self._claim, report)
        await persist(call, f"report of {self._claim.item.id}", self._log)
        self._tell(report)
        self._last = fact
        self.resolved = report.resolved or self.resolved

    def _tell(self, report: ItemReport) -> None:
        """Log what people want to know of a launch: that it runs, and how it ended."""
        item, state = self._claim.item, report.state
        if state is ItemState.RUNNING and self._last[0] is not state:
            self._told.info("%s started (%s)", item.name, item.queue, action="started")
        elif state is ItemState.QUEUED:
            message = "%s went back to queue %s: %s"
            self._told.info(message, item.name, item.queue, report.message, action="requeued")
        elif state is ItemState.HELD:
            self._told.warning("%s is held: %s", item.name, report.message, action="held")
        elif state is ItemState.FINISHED:
            self._told.info("%s finished", item.name, action="ended")
        elif state.ended:
            message = "%s %s: %s; launchkit show %s"
            self._told.info(message, item.name, state, _why(report), item.id, action="ended")

    async def mark(self, text: str) -> None:
        """Add a line to the timeline: what goes on in the state that it is in."""
        await self.report(ItemReport(state=self._last[0], message=text))

    async def announce(self, outcome: Outcome, seconds: float) -> None:
        """Store how a run will have ended that is about to be told to end. A queue that is away for
        more than some *seconds* is in the way of no end.
        """
        verdict = _verdict_in_short(outcome.verdict, MOST_SEARCHED)
        verdict = _verdict_in_short(verdict_without_values(verdict, self._secrets), MOST_CHARACTERS)
        ends_as = plain(replace(outcome, verdict=verdict))
        resolved = {**self.resolved, "ends_as": ends_as}
        with anyio.move_on_after(seconds):
            await self.report(ItemReport(state=self._last[0], resolved=resolved), again=True)

    async def see(self, status: RunStatus, ref: str) -> None:
        """Tell how the run stands. An end is told apart, with all that is known of it."""
        if status.state in STATES:
            state = STATES[status.state]
            if state is ItemState.RUNNING and self.running_since is None:
                self.running_since = time.time() + (self._backend.skew() or 0.0)
            await self.report(ItemReport(state=state, ref=ref, message=status.message))


def _in_short(report: ItemReport, most: int) -> ItemReport:
    """A report that its queue has room for, whatever a run or a plugin made of it."""
    return replace(
        report,
        message=report.message and _text(report.message, most),
        warnings=tuple(_text(one, most // LINES) for one in report.warnings),
        verdict=report.verdict and _verdict_in_short(report.verdict, most),
    )


def _verdict_in_short(verdict: Verdict, most: int) -> Verdict:
    return replace(
        verdict,
        summary=_text(verdict.summary, most),
        evidence=tuple(_text(one, most // LINES) for one in verdict.evidence[-MOST_EVIDENCE:]),
        hint=verdict.hint and _text(verdict.hint, most),
    )


def _text(text: str, most: int) -> str:
    return shortened(storable(text), most)


def _why(report: ItemReport) -> str:
    code = report.verdict.code if report.verdict else "no verdict"
    return code if report.exit_code is None else f"{code}, exit code {report.exit_code}"
