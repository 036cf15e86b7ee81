"""The suite for runners."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import anyio
import pytest
import yaml
from jsonschema import Draft202012Validator

from launchkit.abc import Component, Run, Runner
from launchkit.codec import plain
from launchkit.errors import Rejected, RunLost
from launchkit.model import RunState, RunStatus, Secret, Submission
from launchkit.testing.contracts.component import ComponentContract

TEXT = "".join(f"line {number} of the output\n" for number in range(200))


class Workload(ABC):
    """Makes submissions for one runner. Each has a name of its own."""

    @abstractmethod
    def exits(self, code: int) -> Submission:
        """Ends by itself with that exit code."""

    @abstractmethod
    def waits(self) -> Submission:
        """Runs until it is cancelled, and ends when told politely."""

    @abstractmethod
    def prints(self, text: str) -> Submission:
        """Prints exactly *text*, then ends well."""

    @abstractmethod
    async def starts(self, submission: Submission) -> int:
        """How many times the infrastructure was made to start it."""

    @abstractmethod
    async def traces(self, submission: Submission) -> Sequence[str]:
        """What the infrastructure still has of it: processes, directories, pods, …"""

    @abstractmethod
    async def exposed(self, submission: Submission) -> bytes:
        """All that others could read of it while it runs: files, argument lists, manifests. The
        environment of its own processes and proper secret stores do not count.
        """


class RunnerContract(ComponentContract):
    """Give the fixtures `runner`, a started runner, and `workload`, a `Workload` for it."""

    patience = 60.0
    """Seconds that a run may take to start, and to end."""

    @pytest.fixture
    def runner(self) -> Runner:
        """The started runner."""
        raise pytest.UsageError("override the fixture `runner`")

    @pytest.fixture
    def workload(self) -> Workload:
        """What to run on it."""
        raise pytest.UsageError("override the fixture `workload`")

    @pytest.fixture
    def component(self, runner: Runner) -> Component:
        """The runner."""
        return runner

    async def ended(self, run: Run) -> RunStatus:
        """How the run ends, as `changed` tells it."""
        with anyio.fail_after(self.patience):
            status = await run.status()
            while not status.state.ended:
                status = await run.changed(status)
            return status

    async def running(self, run: Run) -> RunStatus:
        """The status once the run is no longer starting."""
        with anyio.fail_after(self.patience):
            status = await run.status()
            while status.state is RunState.STARTING:
                status = await run.changed(status)
            return status

    async def output(self, run: Run, offset: int = 0) -> bytes:
        """All output from *offset*, whose pieces must follow each other."""
        data = b""
        with anyio.fail_after(self.patience):
            async for chunk in run.logs(offset):
                assert chunk.offset == offset + len(data)
                data += chunk.data
        return data

    async def cancelled(self, run: Run) -> None:
        """Cancel the run within the patience of the suite."""
        with anyio.fail_after(self.patience):
            await run.cancel(5)

    async def test_success_is_finished_with_exit_code_zero(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Success has its own state."""
        run = await runner.submit(workload.exits(0))
        status = await self.ended(run)
        assert (status.state, status.exit_code) == (RunState.FINISHED, 0)
        await run.aclose()

    async def test_failure_keeps_its_exit_code_and_a_verdict_explains_itself(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A runner may leave the verdict out; the agent then makes one of the exit code."""
        run = await runner.submit(workload.exits(3))
        status = await self.ended(run)
        assert (status.state, status.exit_code) == (RunState.FAILED, 3)
        assert status.verdict is None or (status.verdict.code and status.verdict.summary)
        await run.aclose()

    async def test_an_end_never_changes(self, runner: Runner, workload: Workload) -> None:
        """Whoever looks later sees the same."""
        run = await runner.submit(workload.exits(0))
        assert await self.ended(run) == await run.status()
        await run.aclose()

    async def test_a_run_goes_on_until_it_is_cancelled_and_is_gone_then(
        self, runner: Runner, workload: Workload
    ) -> None:
        """`cancel` returns only when the end is verified."""
        run = await runner.submit(workload.waits())
        assert (await self.running(run)).state is RunState.RUNNING
        await self.cancelled(run)
        assert (await run.status()).state is RunState.STOPPED
        await run.aclose()

    async def test_cancelling_right_after_submitting_leaves_nothing_running(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Nothing may start behind the back of the one who cancelled."""
        run = await runner.submit(workload.waits())
        await self.cancelled(run)
        assert (await run.status()).state is RunState.STOPPED
        await run.aclose()

    async def test_cancelling_twice_is_cancelling_once(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Stop orders are repeated when an answer is lost."""
        run = await runner.submit(workload.waits())
        await self.running(run)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.cancelled, run)
            tasks.start_soon(self.cancelled, run)
        await self.cancelled(run)
        assert (await run.status()).state is RunState.STOPPED
        await run.aclose()

    async def test_cancelling_an_ended_run_does_not_rewrite_its_end(
        self, runner: Runner, workload: Workload
    ) -> None:
        """What finished stays finished."""
        run = await runner.submit(workload.exits(0))
        end = await self.ended(run)
        await self.cancelled(run)
        assert (await run.status()).state is end.state
        await run.aclose()

    async def test_one_who_waits_for_a_change_is_woken_by_the_end(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent waits in `changed` while something else ends the run."""
        run = await runner.submit(workload.waits())
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
        assert [end.state for end in ends] == [RunState.STOPPED]
        await run.aclose()

    async def test_logs_are_complete_from_any_offset_and_end(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A later agent goes on reading where the first one stopped."""
        run = await runner.submit(workload.prints(TEXT))
        assert await self.output(run) == TEXT.encode()
        await self.ended(run)
        for offset in (0, 7, len(TEXT) - 1, len(TEXT)):
            assert await self.output(run, offset) == TEXT.encode()[offset:]
        await run.aclose()

    async def test_submitting_a_name_again_gives_the_same_run(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent that died between submitting and saying so submits again."""
        submission = workload.waits()
        first = await runner.submit(submission)
        second = await runner.submit(submission)
        assert second.ref == first.ref
        await self.running(second)
        await self.cancelled(second)
        assert (await first.status()).state is RunState.STOPPED
        await first.aclose()

    async def test_submitting_a_name_twice_in_a_row_starts_it_once(
        self, runner: Runner, workload: Workload
    ) -> None:
        """The answer to the first may be lost while it begins."""
        submission = workload.exits(0)
        first = await runner.submit(submission)
        second = await runner.submit(submission)
        await self.ended(first)
        await self.ended(second)
        assert await workload.starts(submission) == 1
        await second.aclose()

    async def test_submitting_an_ended_name_again_does_not_run_it_again(
        self, runner: Runner, workload: Workload
    ) -> None:
        """At most one run per attempt."""
        submission = workload.exits(3)
        await self.ended(await runner.submit(submission))
        again = await runner.submit(submission)
        assert (await self.ended(again)).exit_code == 3
        assert await workload.starts(submission) == 1
        await again.aclose()

    async def test_the_ref_that_was_told_before_is_the_ref_of_the_run(
        self, runner: Runner, workload: Workload
    ) -> None:
        """It is stored before the run starts."""
        submission = workload.exits(0)
        ref = runner.ref_of(submission)
        run = await runner.submit(submission)
        assert ref in {None, run.ref}
        await self.ended(run)
        await run.aclose()

    async def test_a_running_run_is_found_again_by_its_ref(
        self, runner: Runner, workload: Workload
    ) -> None:
        """The next agent goes on with it."""
        if not runner.survives_agent:
            pytest.skip("its runs end with the agent")
        run = await runner.submit(workload.waits())
        await self.running(run)
        found = await runner.attach(run.ref)
        assert found.ref == run.ref
        assert (await found.status()).state is RunState.RUNNING
        await self.cancelled(found)
        assert (await run.status()).state is RunState.STOPPED
        await found.aclose()

    async def test_an_ended_run_is_found_again_with_its_end_and_its_logs(
        self, runner: Runner, workload: Workload
    ) -> None:
        """It may end while no agent is there."""
        if not runner.survives_agent:
            pytest.skip("its runs end with the agent")
        run = await runner.submit(workload.prints(TEXT))
        end = await self.ended(run)
        found = await runner.attach(run.ref)
        assert await found.status() == end
        assert await self.output(found) == TEXT.encode()
        await found.aclose()

    async def test_a_run_that_was_removed_is_lost(self, runner: Runner, workload: Workload) -> None:
        """Better than waiting for it for ever."""
        run = await runner.submit(workload.exits(0))
        await self.ended(run)
        await run.aclose()
        with pytest.raises(RunLost):
            await (await runner.attach(run.ref)).status()

    async def test_closing_an_ended_run_leaves_nothing_and_may_be_repeated(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Clusters and disks fill up otherwise."""
        submission = workload.prints("text\n")
        run = await runner.submit(submission)
        await self.ended(run)
        await run.aclose()
        await run.aclose()
        assert await workload.traces(submission) == []

    async def test_secrets_are_neither_rendered_nor_exposed(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Who may see the run need not know its secrets."""
        secret = Secret(uuid4().hex)
        submission = replace(workload.waits(), env={"TOKEN": secret, "PLAIN": "shown"})
        assert secret not in repr(plain(runner.render(submission)))
        run = await runner.submit(submission)
        await self.running(run)
        assert secret.encode() not in await workload.exposed(submission)
        await self.cancelled(run)
        await run.aclose()

    async def test_rendering_is_pure(self, runner: Runner, workload: Workload) -> None:
        """`plan` shows what would be sent, and starts nothing."""
        submission = workload.exits(0)
        assert runner.render(submission) == runner.render(submission)
        assert await workload.starts(submission) == 0
        assert await workload.traces(submission) == []

    async def test_unknown_resource_arguments_are_rejected(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A misspelled limit must not be lost in silence; the good ones pass. The class alone
        tells: a client has no runner.
        """
        cls = type(runner)
        cls.check_args(workload.exits(0).resource_args)
        with pytest.raises(Rejected, match="no_such_argument"):
            cls.check_args({"no_such_argument": 1})

    async def test_its_class_describes_a_queues_config(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Forms and editors go by the schema; what is offered to begin with is a good config."""
        cls = type(runner)
        schema = cls.args_schema()
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(plain(dict(workload.exits(0).resource_args)))
        offered = yaml.safe_load(cls.starter_config()) or {}
        Draft202012Validator(schema).validate(offered)
        cls.check_args(offered)
