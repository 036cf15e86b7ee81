"""The suite for runners: submitting once, what a run gets, and finding it again."""

from dataclasses import replace
from uuid import uuid4

import anyio
import pytest

from launchkit.abc import Run, Runner, Site
from launchkit.aio.carried_through import carried_through
from launchkit.codec import plain
from launchkit.errors import LaunchError, OthersRun, RunLost
from launchkit.model import Attempt, RunState, Secret
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.run_logs import TEXT
from launchkit.testing.contracts.runner_case import RunnerCase
from launchkit.testing.contracts.workload import Workload
from launchkit.testing.recording import RecordingOutput


class Submitting(RunnerCase):
    """`prepare`, `release`, `ref_of`, `submit` and `attach`."""

    async def test_a_run_gets_its_environment(self, runner: Runner, workload: Workload) -> None:
        """Variables as they are, secrets too."""
        self.needs_logs()
        if not self.gives_environment:
            pytest.skip("its runs get no variables")
        submission = self.shell(workload, 'printf "%s|%s|%s" "$PLAIN" "$TOKEN" "$EMPTY-"')
        secret, text = uuid4().hex, "a 'b' \"c\" $HOME \\ é"
        env = {**submission.env, "PLAIN": text, "TOKEN": Secret(secret), "EMPTY": ""}
        run = await self.submitted(runner, replace(submission, env=env))
        said = (await self.output(run)).decode()
        assert said == f"{text}|{secret}|-{self.last_end}", (
            "a run gets the variables of its submission"
        )
        await self.closed(run)

    async def test_submitting_a_name_again_gives_the_same_run(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent that died between submitting and saying so submits again."""
        submission = workload.waits()
        first = await self.submitted(runner, submission)
        second = await self.submitted(runner, submission)
        assert second.ref == first.ref, "submitting a name again gives the run that is there"
        await self.running(second)
        await self.cancelled(second)
        assert (await self.now(first)).state is RunState.STOPPED, (
            "a run that was cancelled is stopped, for all who hold it"
        )
        await self.closed(first)

    async def test_submitting_a_name_twice_in_a_row_starts_it_once(
        self, runner: Runner, workload: Workload
    ) -> None:
        """The answer to the first may be lost while it begins."""
        submission = workload.exits(0)
        first = await self.submitted(runner, submission)
        second = await self.submitted(runner, submission)
        await self.ended(first)
        await self.ended(second)
        assert await workload.starts(submission) == 1, "a name is started once"
        await self.closed(second)

    async def test_submitting_an_ended_name_again_does_not_run_it_again(
        self, runner: Runner, workload: Workload
    ) -> None:
        """At most one run per attempt."""
        submission = workload.exits(3)
        await self.ended(await self.submitted(runner, submission))
        again = await self.submitted(runner, submission)
        assert (await self.ended(again)).exit_code == 3, (
            "submitting an ended name again gives the run with its end"
        )
        assert await workload.starts(submission) == 1, "an ended name is not started again"
        await self.closed(again)

    async def test_submitting_a_name_twice_at_once_starts_it_once(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent that was thought dead, and the one that took over."""
        if not runner.survives_agent:
            pytest.skip("no other agent can submit what it has")
        submission = workload.exits(0)
        runs: list[Run] = []

        async def submit() -> None:
            runs.append(await self.submitted(runner, submission))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(submit)
            tasks.start_soon(submit)
        for run in runs:
            await self.ended(run)
        assert runs[0].ref == runs[1].ref, "submitting a name again gives the run that is there"
        assert await workload.starts(submission) == 1, "a name is started once"
        await self.closed(runs[0])

    async def test_attempts_are_runs_of_their_own(self, runner: Runner, workload: Workload) -> None:
        """Their names differ in one character only."""
        one, other = workload.exits(0), workload.exits(3)
        own = one.launch
        again = replace(other.launch, run_id=own.run_id, item_id=own.item_id, attempt=2)
        name = f"{one.name.rpartition('-')[0]}-2"
        first = await self.submitted(runner, one)
        second = await self.submitted(runner, replace(other, name=name, launch=again))
        assert first.ref != second.ref, "each attempt has a ref of its own"
        assert (await self.ended(first)).exit_code == 0, "each attempt is started"
        assert (await self.ended(second)).exit_code == 3, "each attempt is started"
        await self.closed(first)
        assert (await self.now(second)).exit_code == 3, "aclose removes one attempt only"
        await self.closed(second)

    async def test_a_submission_stays_as_it_was(self, runner: Runner, workload: Workload) -> None:
        """It may have to be submitted again."""
        submission = workload.exits(0)
        before = repr(plain(submission))
        run = await self.submitted(runner, submission)
        assert repr(plain(submission)) == before, "submit does not change what it is given"
        await self.ended(run)
        await self.closed(run)

    async def test_what_submit_refuses_is_a_launch_error(
        self, runner: Runner, workload: Workload
    ) -> None:
        """It fails this launch, and not the agent. What `check_args` refuses may be let pass."""
        good = workload.exits(0)
        submission = replace(good, resource_args={**good.resource_args, "no_such_argument": 1})
        try:
            run = await self.submitted(runner, submission)
        except LaunchError as exc:
            said, starts = exc.message, await workload.starts(submission)
        else:
            await self.ended(run)
            await self.closed(run)
            return
        assert "no_such_argument" in said, "an error says what is wrong"
        assert starts == 0, "what is refused is not started"

    async def test_preparing_may_be_interrupted_and_repeated(
        self, runner: Runner, workload: Workload
    ) -> None:
        """The next agent does it again."""
        submission = workload.exits(0)
        with anyio.move_on_after(0):
            await runner.prepare(submission, RecordingOutput())
        for _ in range(2):
            with within(self.patience, "prepare gets what the run needs, and returns"):
                await runner.prepare(submission, RecordingOutput())
        assert await workload.starts(submission) == 0, "prepare starts nothing"
        run = await self.submitted(runner, submission)
        assert (await self.ended(run)).exit_code == 0, "what was prepared twice runs"
        await self.closed(run)
        assert await workload.traces(submission) == [], "aclose removes what prepare made"

    async def test_what_nobody_wants_any_more_before_it_starts_is_not_started(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent carries `submit` through; a stop may come while that waits."""
        if not self.has_last_chance:
            pytest.skip("it makes nothing before it starts a run")
        submission = workload.exits(0)
        ref = runner.ref_of(submission)
        with anyio.CancelScope() as wanted:
            wanted.cancel()
            with carried_through(self.patience):
                await runner.submit(submission)
        assert await workload.starts(submission) == 0, "what nobody wants is not started"
        with within(self.patience, "release and discard return"):
            await runner.release(submission)
            await runner.discard(ref or submission.name)
        assert await workload.traces(submission) == [], "discard leaves nothing"

    async def test_releasing_leaves_nothing_and_no_other_run_is_touched(
        self, runner: Runner, workload: Workload
    ) -> None:
        """What was taken for a launch that is not submitted is given back, once or twice."""
        live, submission = workload.waits(), workload.exits(0)
        run = await self.submitted(runner, live)
        await self.running(run)
        with within(self.patience, "prepare and release return"):
            await runner.prepare(submission, RecordingOutput())
            await runner.release(submission)
            await runner.release(submission)
        assert await workload.traces(submission) == [], "release gives back what prepare took"
        assert (await self.now(run)).state is RunState.RUNNING, "release ends no run"
        await self.cancelled(run)
        await self.closed(run)

    async def test_discarding_what_never_began_leaves_nothing_and_touches_no_run(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A launch that was about to be submitted may end before the next agent takes it over."""
        live, submission = workload.waits(), workload.exits(0)
        run = await self.submitted(runner, live)
        await self.running(run)
        ref = runner.ref_of(submission)
        with within(self.patience, "discard returns"):
            for one in (ref, ref, run.ref):
                await runner.discard(one or submission.name)
        assert await workload.traces(submission) == [], "discard leaves nothing"
        assert (await self.now(run)).state is RunState.RUNNING, "discard ends no run"
        await self.cancelled(run)
        await self.closed(run)

    async def test_the_ref_that_was_told_before_is_the_ref_of_the_run(
        self, runner: Runner, workload: Workload
    ) -> None:
        """It is stored before the run starts."""
        submission = workload.exits(0)
        ref = runner.ref_of(submission)
        run = await self.submitted(runner, submission)
        assert ref in {None, run.ref}, "the ref that ref_of tells is the one of the run"
        await self.ended(run)
        await self.closed(run)

    async def test_a_ref_is_told_without_starting_anything(
        self, runner: Runner, workload: Workload
    ) -> None:
        """The same each time, and another for each name."""
        one, other = workload.exits(0), workload.exits(0)
        ref = runner.ref_of(one)
        assert ref == runner.ref_of(one), "ref_of tells the same ref each time"
        assert ref is None or ref != runner.ref_of(other), "each name has a ref of its own"
        assert await workload.starts(one) == 0, "ref_of starts nothing"
        assert await workload.traces(one) == [], "ref_of leaves nothing"

    async def test_a_run_that_was_never_started_is_lost(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent may die between storing the ref and submitting."""
        submission = workload.exits(0)
        ref = runner.ref_of(submission)
        with refused(RunLost if ref else LaunchError, "a run that was never started is lost"):
            await self.now(await self.attached(runner, ref or "no-such-run"))
        assert await workload.starts(submission) == 0, "attach starts nothing"
        assert await workload.traces(submission) == [], "attach leaves nothing"

    async def test_a_ref_of_another_place_is_a_launch_error(self, runner: Runner) -> None:
        """Records outlive changes of settings; foreign text is no name of a run."""
        for ref in ("", "no such run", "../../elsewhere", f"x\0{uuid4().hex}"):
            with refused(LaunchError, "a ref of another place is a LaunchError"):
                await self.now(await self.attached(runner, ref))

    async def test_a_running_run_is_found_again_by_its_ref(
        self, runner: Runner, workload: Workload
    ) -> None:
        """The next agent goes on with it."""
        if not runner.survives_agent:
            pytest.skip("its runs end with the agent")
        run = await self.submitted(runner, workload.waits())
        await self.running(run)
        found = await self.attached(runner, run.ref)
        assert found.ref == run.ref, "a run that is found again has the same ref"
        assert (await self.running(found)).state is RunState.RUNNING, (
            "a run that is found again goes on"
        )
        await self.cancelled(found)
        assert (await self.now(run)).state is RunState.STOPPED, (
            "a run that is found again and cancelled is stopped"
        )
        await self.closed(found)

    async def test_the_run_of_another_launch_is_refused_and_ones_own_is_not(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A ref is on record as some agent stored it, which may have wanted another's run."""
        if not runner.survives_agent:
            pytest.skip("its runs end with the agent")
        submission, other = workload.waits(), workload.waits().launch.which
        run = await self.submitted(runner, submission)
        await self.running(run)
        own = submission.launch.which
        for attempt in (other, replace(own, attempt=2)):
            with refused(OthersRun, "require_own refuses the run of another launch or attempt"):
                await self._require_own(runner, run.ref, attempt)
        await self._require_own(runner, run.ref, own)
        assert (await self.now(run)).state is RunState.RUNNING, "require_own changes nothing"
        await self.cancelled(run)
        await self._require_own(runner, run.ref, own)
        await self.closed(run)
        never = workload.exits(0)
        if ref := runner.ref_of(never):
            said: RunLost | None = None
            try:
                await self._require_own(runner, ref, never.launch.which)
            except RunLost as exc:
                said = exc
            assert not isinstance(said, OthersRun), "what is not there is no other's run"

    async def _require_own(self, runner: Runner, ref: str, attempt: Attempt) -> None:
        with within(self.patience, "require_own sees whose run it is, and returns"):
            await runner.require_own(ref, attempt)

    async def test_an_ended_run_is_found_again_with_its_end_and_its_logs(
        self, runner: Runner, workload: Workload
    ) -> None:
        """It may end while no agent is there."""
        if not runner.survives_agent:
            pytest.skip("its runs end with the agent")
        run = await self.submitted(runner, workload.prints(TEXT))
        end = await self.ended(run)
        found = await self.attached(runner, run.ref)
        assert await self.now(found) == end, "an ended run is found again with its end"
        if self.gives_logs:
            assert await self.output(found) == TEXT.encode(), (
                "an ended run is found again with its logs"
            )
        await self.closed(found)

    async def test_the_next_agent_finds_what_the_first_one_started(
        self, runner: Runner, workload: Workload, site: Site
    ) -> None:
        """Nothing of it is known by one object alone; and it ends with no agent."""
        if not runner.survives_agent:
            pytest.skip("its runs end with the agent")
        submission = workload.waits()
        async with self.another(runner, site) as first:
            await self.running(await self.submitted(first, submission))
        found = await self.attached(runner, (await self.submitted(runner, submission)).ref)
        state = (await self.running(found)).state
        assert state is RunState.RUNNING, "runs survive their agent, but this one ended with it"
        assert await workload.starts(submission) <= 1, "a name is started once by all agents"
        await self.cancelled(found)
        async with self.another(runner, site) as last:
            end = await self.now(await self.attached(last, found.ref))
        assert end.state is RunState.STOPPED, "whoever looks later sees how a run ended"
        await self.gone(workload, submission)
        await self.closed(found)

    async def test_a_run_that_was_removed_is_lost(self, runner: Runner, workload: Workload) -> None:
        """Better than waiting for it for ever."""
        run = await self.submitted(runner, workload.exits(0))
        await self.ended(run)
        await self.closed(run)
        with refused(RunLost, "a run that was removed is lost"):
            await self.now(await self.attached(runner, run.ref))
