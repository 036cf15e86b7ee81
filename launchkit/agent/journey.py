"""One claim's way through the steps, with everything that can go wrong on it in one place."""

import logging
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial

import anyio
import anyio.to_thread

from launchkit.abc import Runner
from launchkit.agent.ending import MAX_LAPSES, REPORT_SECONDS, Ending, Held, Unstarted
from launchkit.agent.finder import Finder
from launchkit.agent.intent import Intent, stored
from launchkit.agent.interruption import Interruption
from launchkit.agent.kit import Kit
from launchkit.agent.outcomes import failed, stopped, unforeseen
from launchkit.agent.patience import FOREIGN_SECONDS, Patience, PatientRun, Unwatchable
from launchkit.agent.pre_run_log import PreRunLog
from launchkit.agent.prepare import builds, check_can_be_had, prepared, work_directory
from launchkit.agent.reporter import Reporter
from launchkit.agent.resolution import resolution
from launchkit.agent.room import Room
from launchkit.agent.runners import RunnerUnavailable
from launchkit.agent.watch import watch
from launchkit.aio.carried_through import carried_through, last_chance
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import (
    LaunchError,
    LaunchkitError,
    LeaseLost,
    NotYet,
    OthersRun,
    QueueError,
    Rejected,
    RunLost,
    RunTimeout,
    StartTimeout,
    Unreachable,
    hiding,
    unwrapped,
)
from launchkit.model import (
    Claim,
    ItemReport,
    ItemState,
    Limits,
    Outcome,
    RunState,
    StopOrder,
    Submission,
)
from launchkit.observe import journal
from launchkit.resolving.bind import Bound
from launchkit.resolving.masking import mask_of
from launchkit.resolving.policy import check_policy
from launchkit.resolving.resolve import limits_of, resolve

logger = logging.getLogger("launchkit.agent")

SUBMIT_SECONDS = 300.0


class Journey:
    """Takes one claim from `claimed` to its end, or leaves it so that the next agent can."""

    def __init__(
        self, claim: Claim, kit: Kit, limits: Limits, *, foreign_seconds: float = FOREIGN_SECONDS
    ) -> None:
        self.claim = claim
        self.log = journal(logger, kit.site.agent, claim)
        self._kit = kit
        self._defaults = limits
        secrets = kit.queues.known(claim.queue)
        self._mask = mask_of(*secrets)
        self._reporter = Reporter(kit.backend, claim, self.log, secrets)
        mark = self._reporter.mark
        self._pre_run_log = PreRunLog(kit.backend, claim, self.log, mark, secrets)
        self._foreign_seconds = foreign_seconds
        self._patience = Patience(self._tell_trouble, foreign_seconds=foreign_seconds)
        self._room = Room(self._tell_wait)
        self._interruption = Interruption()
        self._finder = Finder(claim.item, self._patience, self._interruption)
        self._ending = Ending(claim, kit, self._reporter, self.log, self._interruption.hurry)
        self._submitted: float | None = None
        """When this agent submitted it, by a clock that nobody sets."""
        self._sought = claim.item.ref is None
        """Whether it is known if there is a run of this attempt."""
        self._ends_as: Outcome | None = None
        """What an earlier holder was about to do with the run."""
        self._unstarted: Unstarted | None = None
        """What was about to be submitted, by this agent or an earlier one."""
        self._held: Held | None = None
        self._forsaken = False
        """Whether a run was left that lives, for all that is known."""

    @property
    def requeued(self) -> bool:
        """Whether the launch went back to its queue."""
        return self._ending.requeued

    def stop(self, order: StopOrder) -> None:
        """Somebody wants this run to end."""
        self._interruption.stop(order)

    def lose(self) -> None:
        """Another agent holds the item by now; what runs is left to it."""
        self._interruption.leave(LeaseLost("another agent holds it by now"))

    def _runner_failed(self) -> None:
        """Its runner cannot watch the run any more."""
        kind = self.claim.queue.spec.resource
        self._interruption.leave(Unwatchable(f"runner {kind} has failed"))

    async def travel(self) -> None:
        """Make the journey; what the outcome is, is stored with the queue."""
        with hiding(self._mask):
            await self._travel()

    async def _travel(self) -> None:
        kind = self.claim.queue.spec.resource
        self._kit.runners.watch(kind, self._runner_failed)
        try:
            with self._interruption.watched:
                outcome = await self._outcome()
                if outcome is not None:
                    await self._ending.store(outcome, self._held or self._unstarted)
                return
            self._interruption.check()
        except LeaseLost as exc:
            self.log.warning("%s; left to its new holder", exc, action="lose")
            if self._held is not None:
                await self._ending.disown(self._held, exc)
        except (QueueError, Unwatchable) as exc:
            message = "launch %s: %s; left for its next holder"
            self.log.warning(message, self.claim.item.id, exc, action="leave")
            self._forsaken = bool(self._held or self.claim.item.ref)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(REPORT_SECONDS, shield=True):
                await self._leave()
            raise
        finally:
            self._kit.runners.unwatch(kind, self._runner_failed)

    def again(self) -> "Journey | None":
        """Another journey for a run that was left while it lives, if this one has left any."""
        if not self._forsaken:
            return None
        item = self.claim.item
        if self._held is not None:
            resolved = {**self._reporter.resolved, **self._held.intent.fields()}
            item = replace(item, ref=self._held.run.ref, resolved=resolved)
            item = replace(item, started_at=self._reporter.running_since)
            item = replace(item, state=self._reporter.state)
        claim, foreign = replace(self.claim, item=item), self._foreign_seconds
        return Journey(claim, self._kit, self._defaults, foreign_seconds=foreign)

    async def _leave(self) -> None:
        """The agent goes away; what another agent holds, or was not found yet, is left alone."""
        if not self._interruption.lost and self._sought:
            await self._ending.leave(self._held)

    async def _outcome(self) -> Outcome | None:
        """How it ended; None if it was put back or is held."""
        try:
            return await self._course()
        except (QueueError, Unwatchable):
            raise
        except RunnerUnavailable as exc:
            await self._ending.put_back(str(exc))
            self._forsaken = bool(self.claim.item.ref)
            return None
        except LaunchkitError as exc:
            return await self._failed(exc)
        except Exception as exc:
            item_id = self.claim.item.id
            self.log.exception("launch %s: unforeseen error", item_id, action="fault")
            if self._held is not None:
                raise Unwatchable(f"an unforeseen error: {exc!r}") from exc
            return unforeseen(exc)

    async def _course(self) -> Outcome | None:
        self._obey_earlier()
        await self._find()
        if self._held and self._ends_as:
            return await self._ended(self._held, self._ends_as)
        is_suspect = self._held is None and self.claim.lapses >= MAX_LAPSES
        if is_suspect and not self._interruption.asked.is_set():
            await self._ending.hold(self._unstarted)
            return None
        with self._interruption.wanted:
            await anyio.lowlevel.checkpoint()
            return await self._watched(self._held or await self._started())
        return await self._interrupted()

    async def _failed(self, exc: LaunchkitError) -> Outcome:
        """What an error makes of it: a run that took too long is ended, and one that was about to
        be ended anyway may be gone.
        """
        if isinstance(exc, StartTimeout | RunTimeout) and self._held:
            return await self._ended(self._held, failed(exc))
        if isinstance(exc, RunLost) and self._ends_as:
            return self._ends_as
        return failed(exc)

    async def _find(self) -> None:
        """Look for a run of this attempt that was started before. A stop does not interrupt this
        where an agent can look: whether there is anything to be ended must be known.
        """
        item = self.claim.item
        if item.ref is None:
            return
        try:
            runner = await self._kit.runner(self.claim.queue.spec.resource)
        except LaunchError as exc:  # what runs already is no launch that a runner could refuse
            raise RunnerUnavailable(exc.message, hint=exc.hint) from exc
        limits, _ = limits_of(item.spec, self._defaults)
        intent = stored(item.resolved, limits)
        self._ends_as = intent.ends_as
        try:
            self._held = await self._finder.found(item.ref, runner, intent)
        except RunLost as exc:
            if item.state is not ItemState.SUBMITTING or self._ends_as:
                raise
            if not isinstance(exc, OthersRun):
                self._unstarted = Unstarted(runner=runner, ref=item.ref)
        self._sought = True

    async def _tell_trouble(self, text: str) -> None:
        self.log.warning("launch %s: its run %s", self.claim.item.id, text, action="watch")
        with suppress(LeaseLost):  # what is to be ended is to be ended all the same
            await self._reporter.mark(f"the run {text}")

    async def _tell_wait(self, text: str) -> None:
        self.log.warning("launch %s: %s", self.claim.item.id, text, action="wait")
        await self._reporter.mark(text)

    async def _started(self) -> Held:
        """A new run of this attempt, as soon as there is room for it."""
        while True:
            try:
                return await self._tried()
            except (LaunchError, OSError) as exc:
                await self._room.wait(exc)

    async def _tried(self) -> Held:
        runner = await self._kit.runner(self.claim.queue.spec.resource)
        launch = self._kit.observer.carried(resolve(self.claim, self._defaults, type(runner)))
        check_policy(launch, self._kit.policy, type(runner))
        self._kit.check(launch)
        runner.check_args(launch.resource_args)
        check_can_be_had(launch, runner, self._kit)
        async with work_directory(self._kit) as work:
            if builds(launch, runner, self._kit):
                await self._reporter.report(ItemReport(state=ItemState.BUILDING))
            bound = await prepared(self.claim, launch, runner, self._kit, work, self._pre_run_log)
            try:
                await self._carry_out(bound, runner)
            except BaseException:
                if self._held is None:
                    with anyio.move_on_after(REPORT_SECONDS, shield=True):
                        await runner.release(bound.submission)
                raise
        if self._held is None:
            raise Unreachable(f"runner {runner.kind} did not answer within {SUBMIT_SECONDS:g} s")
        return self._held

    async def _carry_out(self, bound: Bound, runner: Runner) -> None:
        """Prepare, which may be interrupted, and submit, which may be until it starts something;
        both again for as long as its place is taken in between.
        """
        step = partial(self._kit.observer.step, self.claim.item.id)
        for pause in pauses(Backoff()):
            with step("prepare"):
                await runner.prepare(bound.submission, self._pre_run_log)
            self._submitted = anyio.current_time()
            intent = Intent(
                limits=bound.submission.launch.limits,
                log_base=await self._pre_run_log.size(),
                submitted_at=time.time() + self._skew(),
            )
            try:
                with carried_through(SUBMIT_SECONDS), step("submit"):
                    await self._intend(bound, runner, intent)
                    await last_chance()
                    await self._submit(bound.submission, runner, intent)
            except NotYet as exc:
                self.log.info("launch %s: %s", self.claim.item.id, exc, action="retry")
                await anyio.sleep(pause)
            else:
                return

    async def _intend(self, bound: Bound, runner: Runner, intent: Intent) -> None:
        """Store what is about to happen before it happens. What another ref would lead to, which
        an earlier agent stored, goes before nobody knows of it.
        """
        ref = runner.ref_of(bound.submission)
        if self._unstarted and self._unstarted.ref != ref:
            await self._ending.clear_away(self._unstarted)
        told = await anyio.to_thread.run_sync(resolution, bound.submission, runner)  # may be long
        report = ItemReport(
            state=ItemState.SUBMITTING,
            ref=ref,
            site=self._kit.site.name if runner.bound_to_site else None,
            resolved={**told, **intent.fields()},
            warnings=bound.warnings,
        )
        try:
            await self._reporter.report(report, again=True)  # an earlier try may have told another
        except QueueError as exc:
            if type(exc) is not QueueError:  # it has nothing to do with what is told
                raise
            raise Rejected(f"its queue refuses it: {exc.message}", hint=exc.hint) from exc
        self._unstarted = Unstarted(runner=runner, ref=ref) if ref else None

    async def _submit(self, submission: Submission, runner: Runner, intent: Intent) -> None:
        """Start it. After an error that does not say so, whether it runs is looked up."""
        try:
            run = PatientRun(await runner.submit(submission), self._patience)
        except LaunchkitError:
            raise
        except Exception as exc:
            ref = runner.ref_of(submission)
            if ref is None:
                raise
            self.log.warning("submit failed: %r; looks for its run", exc, action="fault")
            try:
                self._held = await self._finder.found(ref, runner, intent)
            except RunLost:
                raise exc from None
        else:
            self._held = Held(run=run, runner=runner, intent=intent)
            for warning in run.warnings:
                await self._reporter.mark(f"warning: {warning}")

    async def _watched(self, held: Held) -> Outcome:
        with self._kit.observer.step(self.claim.item.id, "run"), unwrapped():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._ending.pumped, held)
                return await watch(
                    held.run,
                    held.intent.limits,
                    partial(self._reporter.see, ref=held.run.ref),
                    submitted_at=self._submitted_at(held.intent),
                    running_since=self._here(self._reporter.running_since),
                )
        raise AssertionError  # a task group swallows nothing

    def _obey_earlier(self) -> None:
        """A wish that an earlier holder did not live to carry out."""
        item = self.claim.item
        if item.stop_requested:
            by, reason = item.stop_by or "", item.stop_reason
            self.stop(StopOrder(item_id=item.id, by=by, reason=reason, now=item.stop_now))

    def _submitted_at(self, intent: Intent) -> float | None:
        if self._submitted is None:
            return self._here(intent.submitted_at)
        return time.time() - (anyio.current_time() - self._submitted)

    def _skew(self) -> float:
        return self._kit.backend.skew() or 0.0

    def _here(self, at: float | None) -> float | None:
        """By this machine's clock, a time by the queue's, which all holders share."""
        return None if at is None else at - self._skew()

    async def _interrupted(self) -> Outcome:
        outcome = stopped(self._interruption.summary(started=self._held is not None))
        return await self._ended(self._held, outcome) if self._held else outcome

    async def _ended(self, held: Held, outcome: Outcome) -> Outcome:
        """The outcome of a run that is ended; one that is stopped may have ended before."""
        await self._ending.gone(held, outcome)
        if outcome.state is not RunState.STOPPED:
            return outcome
        status = await held.run.status()
        if status.verdict and status.state in {RunState.FINISHED, RunState.FAILED}:
            outcome = replace(outcome, state=status.state, verdict=status.verdict)
        return replace(outcome, exit_code=status.exit_code, ran=status.ran)
