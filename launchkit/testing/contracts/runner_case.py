"""A runner as its suite sees it: fixtures to override, and the steps that tests are made of."""

from contextlib import aclosing

import pytest

from launchkit.abc import Component, Run, Runner
from launchkit.model import RunState, RunStatus, Submission
from launchkit.testing.contracts.component import ComponentContract
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.workload import Workload


class RunnerCase(ComponentContract):
    """The fixtures of the suite for runners, what a runner cannot do, and steps."""

    gives_logs = True
    """False: nobody can read what its runs print."""
    follows_logs = True
    """False: what a run prints can be read when it has ended."""
    keeps_bytes = True
    """False: what is printed is stored as text, so what is no UTF-8 is lost."""
    gives_lines = False
    """True: what is printed is stored line by line, so the last one gets an end, too."""
    keeps_output = True
    """False: what a run has printed goes with it when it is cancelled; it can be read till then."""
    has_last_chance = False
    """True: `submit` takes a `last_chance` between what may take long and the start of a run."""
    gives_environment = True
    """False: its runs get no variables."""

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

    @property
    def last_end(self) -> str:
        """What follows a last line that was printed without an end."""
        return "\n" if self.gives_lines else ""

    async def submitted(self, runner: Runner, submission: Submission) -> Run:
        """Submit it."""
        with within(self.patience, "submit gives the run as soon as it is begun"):
            return await runner.submit(submission)

    async def attached(self, runner: Runner, ref: str) -> Run:
        """Find it again."""
        with within(self.patience, "attach finds a run again, or raises RunLost"):
            return await runner.attach(ref)

    async def now(self, run: Run) -> RunStatus:
        """Look once."""
        with within(self.patience, "status looks once and returns"):
            return await run.status()

    async def ended(self, run: Run) -> RunStatus:
        """How the run ends, as `changed` tells it."""
        status = await self.now(run)
        with within(self.patience, "changed returns when the run ends"):
            while not status.state.ended:
                status = await run.changed(status)
        return status

    async def running(self, run: Run) -> RunStatus:
        """The status once the run is no longer starting."""
        status = await self.now(run)
        with within(self.patience, "changed returns when the run has begun"):
            while status.state is RunState.STARTING:
                status = await run.changed(status)
        return status

    async def output(self, run: Run, offset: int = 0) -> bytes:
        """All output from *offset*, whose pieces must follow each other."""
        data = b""
        with within(self.patience, "logs ends when the run has ended and all was given"):
            async with aclosing(run.logs(offset)) as chunks:
                async for chunk in chunks:
                    assert chunk.offset == offset + len(data), "a chunk has the offset of its data"
                    data += chunk.data
        return data

    async def cancelled(self, run: Run, grace: float = 5) -> None:
        """Cancel the run within the patience of the suite."""
        with within(self.patience, "cancel returns when the run is gone"):
            await run.cancel(grace)

    async def closed(self, run: Run) -> None:
        """Remove what is left of it."""
        with within(self.patience, "aclose removes what the run left, and returns"):
            await run.aclose()

    async def gone(self, workload: Workload, submission: Submission) -> None:
        """Nothing of it runs any more, as the infrastructure itself tells."""
        alive = await workload.alive(submission)
        assert not alive, "cancel returns when the run is verified gone, but its processes live"

    def shell(self, workload: Workload, script: str) -> Submission:
        """A submission that runs *script*; skips where there is no shell."""
        submission = workload.shell(script)
        if submission is None:
            pytest.skip("its workload has no shell")
        return submission

    def needs_logs(self) -> None:
        """Skip where no output can be read."""
        if not self.gives_logs:
            pytest.skip("what its runs print cannot be read")

    async def printed(self, run: Run, text: bytes) -> None:
        """Wait until it has printed *text*."""
        data = b""
        with within(self.patience, "logs gives output while the run goes on"):
            async with aclosing(run.logs(0)) as chunks:
                async for chunk in chunks:
                    data += chunk.data
                    if text in data:
                        return
        pytest.fail("logs goes on while the run lives, but it ended", pytrace=False)
