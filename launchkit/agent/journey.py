"""One claim's way through the steps, with everything that can go wrong on it in one place."""

import logging
import time
import traceback
from functools import partial

import anyio

from launchkit.abc import Run, Runner
from launchkit.agent.backoff import delays, persist
from launchkit.agent.intent import Intent, stored
from launchkit.agent.kit import Kit
from launchkit.agent.preamble import Preamble
from launchkit.agent.prepare import builds, check_can_be_had, prepared, work_directory
from launchkit.agent.pump import pump
from launchkit.agent.runners import RunnerUnavailable
from launchkit.codec import plain
from launchkit.errors import (
    ConfigError,
    LaunchError,
    LaunchkitError,
    LeaseLost,
    QueueError,
    RunLost,
    RunTimeout,
    StartTimeout,
    Unreachable,
    unwrapped,
)
from launchkit.model import (
    ENDING_STATES,
    Claim,
    ItemReport,
    ItemState,
    Launch,
    Limits,
    Outcome,
    RunState,
    RunStatus,
    StopOrder,
    Submission,
    Verdict,
)
from launchkit.observe import journal
from launchkit.steps.bind import Bound
from launchkit.steps.policy import check_policy
from launchkit.steps.resolve import limits_of, resolve
from launchkit.steps.watch import watch

logger = logging.getLogger("launchkit.agent")

SUBMIT_SECONDS = 300.0
REPORT_SECONDS = 30.0
GONE_SECONDS = 60.0
"""Beyond the grace, how long a run may take to be gone before ending it is tried again."""
MAX_PREEMPTIONS = 5
"""W&B's limit: a run that is preempted more often fails."""


class Journey:
    """Takes one claim from `claimed` to its end, or leaves it so that the next agent can."""

    def __init__(self, claim: Claim, kit: Kit, limits: Limits) -> None:
        self.claim = claim
        self.requeued = False
        self._kit = kit
        self._defaults = limits
        self._logger = journal(logger, kit.site.agent, claim)
        self._scope = anyio.CancelScope()
        self._stop: StopOrder | None = None
        self._lost = False
        self._run: Run | None = None
        self._runner: Runner | None = None
        self._submitting = claim.item.state is ItemState.SUBMITTING
        self._looking = claim.item.ref is not None
        self._preamble = Preamble(kit.backend, claim, self._logger, self._mark)
        self._intent = Intent(limits=limits)
        self._last: tuple[ItemState, str | None] = (claim.item.state, None)

    def stop(self, order: StopOrder) -> None:
        """Somebody wants this run to end; one that is still looked for is ended when found."""
        if self._stop is None:
            self._stop = order
            if self._run is not None or not self._looking:
                self._scope.cancel()

    def lose(self) -> None:
        """Another agent holds the item by now; what runs is left to it."""
        self._lost = True
        self._scope.cancel()

    async def travel(self) -> None:
        """Make the journey; what the outcome is, is stored with the queue."""
        try:
            outcome = await self._outcome()
            if outcome is not None:
                await self._end(outcome)
        except LeaseLost as exc:
            self._logger.warning("%s; left to its new holder", exc, action="lose")
            if exc.ended:
                await self._end_unowned()
        except QueueError as exc:
            message = "launch %s: %s; left for its next holder"
            self._logger.warning(message, self.claim.item.id, exc, action="leave")
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(REPORT_SECONDS, shield=True):
                await self._leave()
            raise

    async def _outcome(self) -> Outcome | None:
        """How it ended; None if it was put back."""
        try:
            with self._scope:
                return await self._watched(await self._opened())
            return await self._interrupted()
        except QueueError:
            raise
        except RunnerUnavailable as exc:
            await self._put_back(str(exc))
            return None
        except (StartTimeout, RunTimeout) as exc:
            await self._gone()
            return _failed(exc)
        except LaunchkitError as exc:
            return _failed(exc)
        except Exception as exc:
            self._logger.exception(
                "launch %s: unforeseen error", self.claim.item.id, action="fault"
            )
            await self._gone()
            return _unforeseen(exc)

    async def _opened(self) -> Run:
        """The run of this attempt: one that was started before, or a new one."""
        item = self.claim.item
        try:
            self._runner = await self._kit.runner(self.claim.queue.spec.resource)
        except LaunchError as exc:
            if item.ref:  # what runs already is no launch that a runner could refuse
                raise RunnerUnavailable(exc.message, hint=exc.hint) from exc
            raise
        if item.ref:
            try:
                self._run = await self._runner.attach(item.ref)
                limits, _ = limits_of(item.spec, self._defaults)
                self._intent = stored(item.resolved, limits)
            except RunLost:
                if not self._submitting:
                    raise
        self._looking = False
        if item.stop_requested:
            self.stop(StopOrder(item_id=item.id, by=""))
        if self._stop is not None:
            self._scope.cancel()
            await anyio.lowlevel.checkpoint()
        if self._run is not None:
            return self._run
        launch = self._kit.observer.carried(resolve(self.claim, self._defaults, type(self._runner)))
        check_policy(launch, self._kit.policy, type(self._runner))
        self._kit.check(launch)
        self._runner.check_args(launch.resource_args)
        check_can_be_had(launch, self._runner, self._kit)
        return await self._submitted(launch, self._runner)

    async def _submitted(self, launch: Launch, runner: Runner) -> Run:
        async with work_directory(self._kit) as work:
            if builds(launch, runner, self._kit):
                await self._report(ItemReport(state=ItemState.BUILDING))
            bound = await prepared(launch, runner, self._kit, work, self._preamble)
            try:
                await self._carried_out(bound, runner)
            except BaseException:
                if self._run is None:
                    with anyio.move_on_after(REPORT_SECONDS, shield=True):
                        await runner.forget(bound.submission)
                raise
        if self._run is None:
            raise Unreachable(f"runner {runner.kind} did not answer within {SUBMIT_SECONDS:g} s")
        return self._run

    async def _carried_out(self, bound: Bound, runner: Runner) -> None:
        """Prepare, which may be interrupted, and submit, which may not."""
        item_id = self.claim.item.id
        with self._kit.observer.step(item_id, "prepare"):
            await runner.prepare(bound.submission, self._preamble)
        limits = bound.submission.launch.limits
        base = await self._preamble.size()
        self._intent = Intent(limits=limits, log_base=base, submitted_at=time.time())
        with (
            anyio.move_on_after(SUBMIT_SECONDS, shield=True),
            self._kit.observer.step(item_id, "submit"),
        ):
            await self._intend(bound, runner)
            self._run = await runner.submit(bound.submission)

    async def _intend(self, bound: Bound, runner: Runner) -> None:
        """Store what is about to happen before it happens."""
        self._last = (ItemState.CLAIMED, None)  # an earlier try may have stored another one
        await self._report(
            ItemReport(
                state=ItemState.SUBMITTING,
                ref=runner.ref_of(bound.submission),
                site=self._kit.site.name if runner.bound_to_site else None,
                resolved=resolution(bound.submission, runner) | self._intent.fields(),
                warnings=bound.warnings,
            )
        )

    async def _mark(self, text: str) -> None:
        """Tell what is going on before there is a run to tell it."""
        await self._report(ItemReport(state=self._last[0], message=text))

    async def _watched(self, run: Run) -> Outcome:
        with self._kit.observer.step(self.claim.item.id, "run"), unwrapped():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._pumped, run)
                return await watch(
                    run,
                    self._intent.limits,
                    self._tell,
                    submitted_at=self._intent.submitted_at,
                    running_since=self.claim.item.started_at,
                )
        raise AssertionError  # a task group swallows nothing

    async def _pumped(self, run: Run) -> None:
        await pump(run, self._kit.backend, self.claim, self._logger, self._intent.log_base)

    async def _tell(self, status: RunStatus) -> None:
        states = {RunState.STARTING: ItemState.STARTING, RunState.RUNNING: ItemState.RUNNING}
        if status.state in states:
            ref = self._run.ref if self._run else None
            state = states[status.state]
            await self._report(ItemReport(state=state, ref=ref, message=status.message))

    async def _interrupted(self) -> Outcome:
        if self._lost:
            raise LeaseLost("another agent holds it by now")
        by = f" by {self._stop.by}" if self._stop and self._stop.by else ""
        why = f": {self._stop.reason}" if self._stop and self._stop.reason else ""
        if self._run is None:
            verdict = Verdict(code="stopped", summary=f"Stopped{by} before it started{why}.")
            return Outcome(state=RunState.STOPPED, verdict=verdict)
        await self._gone()
        status = await self._run.status()
        if status.verdict and status.state in {RunState.FINISHED, RunState.FAILED}:
            return Outcome(state=status.state, exit_code=status.exit_code, verdict=status.verdict)
        verdict = Verdict(code="stopped", summary=f"Stopped{by}{why}.")
        return Outcome(state=RunState.STOPPED, exit_code=status.exit_code, verdict=verdict)

    async def _gone(self) -> None:
        """End the run, if any; come back only when it is verified over and its log is stored."""
        for delay in delays():
            with anyio.move_on_after(self._intent.limits.stop_grace + GONE_SECONDS, shield=True):
                try:
                    if self._run is not None:
                        await self._run.cancel(self._intent.limits.stop_grace)
                        await self._pumped(self._run)
                except RunLost:
                    return
                except LaunchError as exc:
                    message = "launch %s cannot be ended yet: %s"
                    self._logger.warning(message, self.claim.item.id, exc, action="end.retry")
                else:
                    return
            await anyio.sleep(delay)

    async def _end(self, outcome: Outcome) -> None:
        """Store how it ended, then remove what it left: in this order a crash loses nothing."""
        problem = "its end could not be stored in time; left for its next holder"
        with anyio.move_on_after(REPORT_SECONDS, shield=True) as scope:
            await self._report(self._last_report(outcome))
            problem = "what it left could not be removed in time"
            if self._run is not None:
                await self._run.aclose()
        if scope.cancelled_caught:
            self._logger.warning("launch %s: %s", self.claim.item.id, problem, action="leave")

    def _last_report(self, outcome: Outcome) -> ItemReport:
        attempt = self.claim.item.attempt
        if outcome.state is RunState.PREEMPTED and attempt <= MAX_PREEMPTIONS:
            self.requeued = True
            message = f"preempted: {outcome.verdict.summary}"
            return ItemReport(state=ItemState.QUEUED, message=message, next_attempt=True)
        return ItemReport(
            state=ENDING_STATES.get(outcome.state, ItemState.FAILED),
            message=outcome.verdict.summary,
            exit_code=outcome.exit_code,
            verdict=outcome.verdict,
        )

    async def _put_back(self, why: str) -> None:
        """Let an agent that can do it have the launch; a try that never began does not count. What
        runs already is left under its lease, for only its ref leads to it.
        """
        if self.claim.item.ref:
            await self._mark(why)
        else:
            self.requeued = True
            await self._report(ItemReport(state=ItemState.QUEUED, message=why))

    async def _end_unowned(self) -> None:
        """End what this agent submitted for an item that somebody ended while it slept."""
        with anyio.move_on_after(self._intent.limits.stop_grace + GONE_SECONDS, shield=True):
            if self._run is not None:
                await self._run.cancel(self._intent.limits.stop_grace)
                await self._run.aclose()

    async def _leave(self) -> None:
        """The agent goes away: what survives it is left alone, the rest goes back to the queue."""
        if self._lost or self._looking:
            return
        if self._run and self._runner and self._runner.survives_agent:
            return
        started = self._run is not None
        if self._run is not None:
            await self._run.cancel(self._intent.limits.stop_grace)
        message = f"agent {self._kit.site.agent} is shutting down"
        report = ItemReport(state=ItemState.QUEUED, message=message, next_attempt=started)
        try:
            await self._kit.backend.report(self.claim, report)
        except QueueError as exc:
            self._logger.warning("launch %s: %s", self.claim.item.id, exc, action="leave")

    async def _report(self, report: ItemReport) -> None:
        if (report.state, report.message) == self._last and not report.state.ended:
            return
        what = f"report of {self.claim.item.id}"
        await persist(partial(self._kit.backend.report, self.claim, report), what, self._logger)
        self._last = (report.state, report.message)


def resolution(submission: Submission, runner: Runner) -> dict[str, object]:
    """What `show --resolved` tells: every choice, who made it, and the request itself."""
    launch = submission.launch
    return {
        "name": submission.name,
        "image": submission.image.ref if submission.image else None,
        "source": plain(launch.source),
        "command": list(submission.command),
        "env": sorted(submission.env),
        "config": dict(launch.config),
        "resource_args": dict(submission.resource_args),
        "limits": plain(launch.limits),
        "origins": dict(launch.origins),
        "request": dict(runner.render(submission)),
    }


def _failed(exc: LaunchkitError) -> Outcome:
    code = "rejected" if isinstance(exc, ConfigError) else exc.code
    verdict = Verdict(code=code, summary=exc.message, hint=exc.hint)
    return Outcome(state=RunState.FAILED, verdict=verdict)


def _unforeseen(exc: Exception) -> Outcome:
    verdict = Verdict(
        code="internal_error",
        summary=f"launchkit failed: {exc!r}",
        evidence=tuple(traceback.format_exception(exc)[-6:]),
        hint="this is a fault of launchkit or of a plugin; please report it",
    )
    return Outcome(state=RunState.FAILED, verdict=verdict)
