"""The suite for runners: how a run ends, is cancelled, and is removed."""

from functools import partial

import anyio
import pytest

from launchkit.abc import Run, Runner
from launchkit.model import RunState, RunStatus, Submission
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.runner_case import RunnerCase
from launchkit.testing.contracts.workload import Workload

GOODBYE_SECONDS = 0.5
"""So long that a `cancel` which does not wait for the end is seen to return before it."""


class RunEnds(RunnerCase):
    """`status`, `changed`, `cancel` and `aclose`."""

    async def test_success_is_finished_with_exit_code_zero(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Success has its own state."""
        run = await self.submitted(runner, workload.exits(0))
        status = await self.ended(run)
        assert (status.state, status.exit_code) == (RunState.FINISHED, 0), (
            "success is finished, with the exit code 0"
        )
        await self.closed(run)

    async def test_failure_keeps_its_exit_code_and_a_verdict_explains_itself(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A runner may leave the verdict out; the agent then makes one of the exit code."""
        run = await self.submitted(runner, workload.exits(3))
        status = await self.ended(run)
        assert (status.state, status.exit_code) == (RunState.FAILED, 3), (
            "failure is failed, with the exit code of the run"
        )
        assert status.verdict is None or (status.verdict.code and status.verdict.summary), (
            "a verdict has a code and a summary"
        )
        await self.closed(run)

    async def test_a_run_that_a_signal_ends_has_failed(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Killed from outside is no success, and nobody told it to stop."""
        run = await self.submitted(runner, self.shell(workload, "sh -c 'kill -9 $$'; exit $?"))
        status = await self.ended(run)
        assert status.state is RunState.FAILED, "a run that was killed has failed"
        assert status.exit_code != 0, "the exit code of a run that was killed is not 0"
        await self.closed(run)

    async def test_an_end_never_changes(self, runner: Runner, workload: Workload) -> None:
        """Whoever looks later sees the same."""
        run = await self.submitted(runner, workload.exits(0))
        assert await self.ended(run) == await self.now(run), "an end never changes"
        await self.closed(run)

    async def test_a_run_is_not_said_to_have_run_longer_than_it_can(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Where it is said at all; infrastructures may count whole seconds."""
        before = anyio.current_time()
        run = await self.submitted(runner, workload.exits(0))
        ran = (await self.ended(run)).ran
        most = anyio.current_time() - before + 1
        assert ran is None or 0 <= ran <= most, (
            "what a run is said to have taken lies between its submission and its end"
        )
        await self.closed(run)

    async def test_changed_waits_while_nothing_changes(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent would look for ever otherwise; a wait that is cancelled ends nothing."""
        run = await self.submitted(runner, workload.waits())
        status = await self.running(run)
        with anyio.move_on_after(0.5):
            new = await run.changed(status)
            assert new != status, "changed waits for another status, but it gave the last again"
        assert not (await self.now(run)).state.ended, "nothing ended the run, but it has an end"
        await self.cancelled(run)
        await self.closed(run)

    async def test_changed_does_not_wait_for_what_is_past(
        self, runner: Runner, workload: Workload
    ) -> None:
        """What happened between two looks is told at once."""
        run = await self.submitted(runner, workload.exits(0))
        end = await self.ended(run)
        with within(self.patience, "changed returns at once if the status is another already"):
            assert await run.changed(RunStatus(state=RunState.RUNNING)) == end, (
                "changed tells the status as it is now"
            )
        await self.closed(run)

    async def test_a_run_goes_on_until_it_is_cancelled_and_is_gone_then(
        self, runner: Runner, workload: Workload
    ) -> None:
        """`cancel` returns only when the end is verified."""
        run = await self.submitted(runner, workload.waits())
        assert (await self.running(run)).state is RunState.RUNNING, (
            "a run goes on until it ends or is cancelled"
        )
        await self.cancelled(run)
        assert (await self.now(run)).state is RunState.STOPPED, (
            "a run that was cancelled is stopped"
        )
        await self.closed(run)

    async def test_cancelling_right_after_submitting_leaves_nothing_running(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Nothing may start behind the back of the one who cancelled."""
        run = await self.submitted(runner, workload.waits())
        await self.cancelled(run)
        assert (await self.now(run)).state is RunState.STOPPED, (
            "a run that was cancelled is stopped"
        )
        await self.closed(run)

    async def _ignoring(self, runner: Runner, workload: Workload) -> tuple[Submission, Run]:
        """A run that is running, and ignores polite words."""
        submission = self.shell(workload, "trap '' TERM INT; echo ready; while :; do sleep 1; done")
        run = await self.submitted(runner, submission)
        await self.running(run)
        if self.gives_logs and self.follows_logs:
            await self.printed(run, b"ready")
        return submission, run

    async def test_who_ignores_a_polite_word_is_ended_by_force(
        self, runner: Runner, workload: Workload
    ) -> None:
        """After the grace, and until then `cancel` does not return."""
        submission, run = await self._ignoring(runner, workload)
        await self.cancelled(run, grace=1)
        await self.gone(workload, submission)
        assert (await self.now(run)).state is RunState.STOPPED, (
            "a run that was cancelled is stopped, by force too"
        )
        await self.closed(run)

    async def test_a_cancel_without_grace_ends_what_another_gives_time(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Whoever has asked politely may think better of it; both learn that it is gone."""
        submission, run = await self._ignoring(runner, workload)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(self.cancelled, run, grace=100 * self.patience))
            await anyio.wait_all_tasks_blocked()
            await self.cancelled(run, grace=0)
        await self.gone(workload, submission)
        assert (await self.now(run)).state is RunState.STOPPED, (
            "a run that was cancelled is stopped, without a grace too"
        )
        await self.closed(run)

    async def test_who_is_told_politely_may_say_goodbye(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A training saves its last checkpoint, for which `cancel` waits, and no longer."""
        self.needs_logs()
        if not self.follows_logs:
            pytest.skip("its output is read when it has ended")
        goodbye = f"sleep {GOODBYE_SECONDS}; echo goodbye; exit 0"
        script = f"trap '{goodbye}' TERM; echo ready; while :; do sleep 0.1; done"
        submission = self.shell(workload, script)
        run = await self.submitted(runner, submission)
        await self.printed(run, b"ready")
        said = b""

        async def read() -> None:
            nonlocal said
            said = await self.output(run)

        async with anyio.create_task_group() as tasks:
            if not self.keeps_output:
                tasks.start_soon(read)
                await anyio.wait_all_tasks_blocked()
            await self.cancelled(run, grace=100 * self.patience)
        await self.gone(workload, submission)
        if self.keeps_output:
            await read()
        assert b"goodbye" in said, "cancel is polite first, but the run could do nothing"
        assert (await self.now(run)).state is RunState.STOPPED, (
            "a run that was cancelled is stopped, whatever its exit code is"
        )
        await self.closed(run)

    async def test_the_children_of_a_run_end_with_it(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Workers of a training hold the GPU otherwise."""
        submission = self.shell(workload, "sleep 600 & sleep 600 & wait")
        run = await self.submitted(runner, submission)
        await self.running(run)
        await self.cancelled(run)
        await self.gone(workload, submission)
        await self.closed(run)

    async def test_cancelling_twice_is_cancelling_once(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Stop orders are repeated when an answer is lost."""
        run = await self.submitted(runner, workload.waits())
        await self.running(run)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.cancelled, run)
            tasks.start_soon(self.cancelled, run)
        await self.cancelled(run)
        assert (await self.now(run)).state is RunState.STOPPED, (
            "a run that was cancelled twice is stopped"
        )
        await self.closed(run)

    async def test_cancelling_an_ended_run_does_not_rewrite_its_end(
        self, runner: Runner, workload: Workload
    ) -> None:
        """What finished stays finished."""
        run = await self.submitted(runner, workload.exits(0))
        end = await self.ended(run)
        await self.cancelled(run)
        assert (await self.now(run)).state is end.state, "cancel does not rewrite an end"
        await self.closed(run)

    async def test_one_who_waits_for_a_change_is_woken_by_the_end(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent waits in `changed` while something else ends the run."""
        run = await self.submitted(runner, workload.waits())
        status = await self.running(run)
        ends: list[RunStatus] = []

        async def watch() -> None:
            now = status
            while not now.state.ended:
                now = await run.changed(now)
            ends.append(now)

        with anyio.fail_after(self.patience):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch)
                await run.cancel(5)
        assert [end.state for end in ends] == [RunState.STOPPED], (
            "changed wakes the one who waits when the run ends, and tells its end"
        )
        await self.closed(run)

    async def test_cancelling_one_run_leaves_the_others(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Each is ended by its own name."""
        one = await self.submitted(runner, workload.waits())
        other = await self.submitted(runner, workload.waits())
        await self.running(one)
        await self.running(other)
        await self.cancelled(one)
        await self.closed(one)
        assert (await self.now(other)).state is RunState.RUNNING, "cancel ends its own run only"
        await self.cancelled(other)
        assert (await self.now(other)).state is RunState.STOPPED, (
            "a run that was cancelled is stopped"
        )
        await self.closed(other)

    async def test_closing_a_live_run_leaves_it_alone(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent that leaves closes what it holds; the runs go on."""
        submission = workload.waits()
        run = await self.submitted(runner, submission)
        await self.running(run)
        await self.closed(run)
        state = (await self.now(run)).state
        assert state is RunState.RUNNING, "aclose removes what ended runs left, but this one lives"
        await self.cancelled(run)
        await self.gone(workload, submission)
        await self.closed(run)

    async def test_a_cancelled_run_leaves_nothing_once_it_is_closed(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Nor does one that was cancelled before it began."""
        for begun in (True, False):
            submission = workload.waits()
            run = await self.submitted(runner, submission)
            if begun:
                await self.running(run)
            await self.cancelled(run)
            await self.closed(run)
            left = await workload.traces(submission)
            assert not left, "aclose removes what a cancelled run left"

    async def test_two_may_remove_the_same_run(self, runner: Runner, workload: Workload) -> None:
        """An agent that was thought dead, and the one that took over."""
        submission = workload.exits(0)
        run = await self.submitted(runner, submission)
        same = await self.submitted(runner, submission)
        await self.ended(run)
        await self.ended(same)
        await self.closed(run)
        await self.closed(same)
        assert await workload.traces(submission) == [], (
            "aclose removes all that a cancelled run left"
        )

    async def test_closing_an_ended_run_leaves_nothing_and_may_be_repeated(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Clusters and disks fill up otherwise."""
        submission = workload.prints("text\n")
        run = await self.submitted(runner, submission)
        await self.ended(run)
        await self.closed(run)
        await self.closed(run)
        assert await workload.traces(submission) == [], (
            "aclose removes all that an ended run left, and may be repeated"
        )
