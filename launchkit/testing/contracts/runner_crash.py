"""The contract of runners whose agents are killed: the next one finishes what one began."""

from dataclasses import replace

import anyio
import pytest

from launchkit.abc import Run, Runner, Site
from launchkit.errors import RunLost
from launchkit.model import RunState, Submission
from launchkit.testing.contracts.crashes import at_each_moment
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.runner_case import RunnerCase
from launchkit.testing.contracts.workload import Workload
from launchkit.testing.counterparts import Counterpart, Life, Lived, Moment
from launchkit.testing.counterparts.counterpart import STEPS
from launchkit.testing.recording import RecordingOutput

TEXT = "".join(f"line {number}\n" for number in range(50))
CODE = 7
LIVED = (*STEPS, "closed")
"""What a life in peace has reached."""
RUN_SECONDS = 0.5
"""So long that a run outlives the process that is killed as soon as it was submitted."""


class RunnerCrashContract(RunnerCase):
    """Give the fixtures `runner`, `workload` and `counterpart`. A life of a run goes on in a
    process that is killed at each kind of request in turn, and between them; then a new runner
    takes over, as an agent does.
    """

    @pytest.fixture
    def counterpart(self) -> Counterpart:
        """What stands behind the runner."""
        raise pytest.UsageError("override the fixture `counterpart`")

    async def test_a_run_whose_agent_is_killed_is_finished_by_the_next(
        self, runner: Runner, workload: Workload, site: Site, counterpart: Counterpart
    ) -> None:
        """Started once, with its end and all of its output, and nothing of it is left."""

        async def check(moment: Moment | None) -> Lived:
            submission, code = self._ends(workload)
            lived = await counterpart.live(self._life(runner, submission, site), moment)
            async with self.another(runner, site) as successor:
                await self._finish(successor, submission, code, lived)
                await self._traceless(workload, submission, lived)
            assert await workload.starts(submission) == 1, "a run is started exactly once"
            return lived

        await at_each_moment(check, LIVED, nth=self.each_nth)

    async def test_a_run_whose_agent_is_killed_while_it_cancels_is_ended_by_the_next(
        self, runner: Runner, workload: Workload, site: Site, counterpart: Counterpart
    ) -> None:
        """Nothing of it goes on, and nothing is left."""

        async def check(moment: Moment | None) -> Lived:
            submission = workload.waits()
            life = self._life(runner, submission, site)
            lived = await counterpart.live(replace(life, does="cancel"), moment)
            async with self.another(runner, site) as successor:
                await self._cancel(successor, workload, submission, lived)
                await self._traceless(workload, submission, lived)
            assert await workload.starts(submission) <= 1, "a run is started once"
            return lived

        await at_each_moment(check, LIVED, nth=self.each_nth, first=1)

    def _life(self, runner: Runner, submission: Submission, site: Site) -> Life:
        if not runner.survives_agent:
            pytest.skip("its runs end with the agent")
        unstarted = replace(runner)  # type: ignore[type-var] # a dataclass
        return Life(unstarted, submission, site.state_dir.parent, site.agent)

    def _ends(self, workload: Workload) -> tuple[Submission, int]:
        """One that prints and ends, and its exit code."""
        lines = TEXT.replace("\n", "\\n")
        failing = workload.shell(f"sleep {RUN_SECONDS}; printf '{lines}'; exit {CODE}")
        return (failing, CODE) if failing else (workload.prints(TEXT), 0)

    async def _finish(
        self, runner: Runner, submission: Submission, code: int, lived: Lived
    ) -> None:
        run = await self._taken_over(runner, submission, lived)
        if run is None:
            return
        end = await self.ended(run)
        assert end.exit_code == code, f"a run keeps its exit code, {code}, but {end}"
        if self.gives_logs and "ended" not in lived.told:
            assert await self.output(run) == TEXT.encode(), "the output of a run is whole"
        await self.closed(run)

    async def _cancel(
        self, runner: Runner, workload: Workload, submission: Submission, lived: Lived
    ) -> None:
        run = await self._found(runner, submission, lived)
        if run is not None:
            await self.cancelled(run)
            assert (await self.now(run)).state is RunState.STOPPED, "what is cancelled is stopped"
        elif "ended" not in lived.told:
            with within(self.patience, "discard removes what was never started, and returns"):
                await runner.discard(self._ref_of(runner, submission))
        await self.gone(workload, submission)
        if run is not None:
            await self.closed(run)

    async def _traceless(self, workload: Workload, submission: Submission, lived: Lived) -> None:
        """Nothing is left of it. Where an agent was killed in the midst of the removal, its
        successor may clear away in its own time.
        """
        if "ended" in lived.told:
            with within(self.patience, "the next agent clears away what one left half removed"):
                while await workload.traces(submission):  # noqa: ASYNC110 - nothing tells
                    await anyio.sleep(0.05)
        left = await workload.traces(submission)
        assert not left, f"aclose leaves nothing of a run, but {left}"

    async def _taken_over(self, runner: Runner, submission: Submission, lived: Lived) -> Run | None:
        """The run, as the next agent has it; None if its end is stored and it was removed."""
        run = await self._found(runner, submission, lived)
        if run is not None or "ended" in lived.told:
            return run
        with within(self.patience, "prepare may be repeated"):
            await runner.prepare(submission, RecordingOutput())
        return await self.submitted(runner, submission)

    async def _found(self, runner: Runner, submission: Submission, lived: Lived) -> Run | None:
        """The run; None if it was removed, or has never begun."""
        try:
            run = await self.attached(runner, self._ref_of(runner, submission))
            await self.now(run)
        except RunLost:
            begun = "submitted" in lived.told and "ended" not in lived.told
            assert not begun, "a run that was begun is found again"
            return None
        return run

    def _ref_of(self, runner: Runner, submission: Submission) -> str:
        ref = runner.ref_of(submission)
        assert ref is not None, "the ref of a run that survives its agent is told before"
        return ref
