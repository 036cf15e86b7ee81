"""The contract of runners whose server does not answer as it should, now and then."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

import pytest

from launchkit.abc import Run, Runner, Site
from launchkit.aio.retry import Backoff, retry
from launchkit.errors import LaunchkitError, RunLost
from launchkit.model import RunState, RunStatus, Submission
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.faults import (
    ANSWER_LOST,
    DELAYED,
    DONE_TWICE,
    REFUSED,
    THROTTLED,
    Life,
    go_well,
)
from launchkit.testing.contracts.runner_case import RunnerCase
from launchkit.testing.contracts.runner_crash import TEXT
from launchkit.testing.contracts.workload import Workload
from launchkit.testing.counterparts import Gateway, Intervention
from launchkit.testing.counterparts.gateway import READS
from launchkit.testing.recording import RecordingOutput

T = TypeVar("T")
AGAIN = Backoff(first=0.05, cap=1.0)


class Lives:
    """Runs from their preparation to their removal, through a gateway."""

    def __init__(
        self, case: RunnerCase, runner: Runner, workload: Workload, site: Site, way: Gateway
    ) -> None:
        self.case = case
        self.runner = runner
        self.workload = workload
        self.site = site
        self.way = way
        self.early: Collection[str] = ()
        """The kinds of requests until the last run was submitted."""

    async def go_well(self, fault: Intervention, but: Sequence[str] = ()) -> None:
        """Whatever request *fault* is done to. Those with a word of *but* are left out where a run
        ends by itself. Until a run is submitted, both lives are the same.
        """

        def spared(kind: str) -> bool:
            return any(word in kind for word in but)

        done = await self._lived(self._ends, fault, spared)

        def is_done(kind: str) -> bool:
            return kind in done and kind in self.early

        await self._lived(self._is_cancelled, fault, is_done)

    async def _lived(
        self, life: Life, fault: Intervention, but: Callable[[str], bool]
    ) -> Collection[str]:
        nth = self.case.each_nth
        return await go_well(self.way, life, fault, but=but, polled=READS, nth=nth)

    async def _ends(self) -> None:
        submission = self.workload.prints(TEXT)
        async with self.case.another(self.runner, self.site) as runner:
            run = await self._submitted(runner, submission)
            end = await self._ended(run)
            assert end.exit_code == 0, f"no trouble with its server ends a run, but {end}"
            if self.case.gives_logs:
                assert await self._output(run) == TEXT.encode(), "the output of a run is whole"
            await self._removed(runner, run, submission)
        assert await self.workload.starts(submission) == 1, "a run is started exactly once"

    async def _is_cancelled(self) -> None:
        submission = self.workload.waits()
        async with self.case.another(self.runner, self.site) as runner:
            run = await self._submitted(runner, submission)
            await self._again(lambda: self.case.running(run))
            await self._again(lambda: self.case.cancelled(run))
            await self.case.gone(self.workload, submission)
            end = await self._again(lambda: self.case.now(run))
            assert end.state is RunState.STOPPED, f"what is cancelled is stopped, but {end}"
            await self._removed(runner, run, submission)
        assert await self.workload.starts(submission) <= 1, "a run is started once"

    async def _submitted(self, runner: Runner, submission: Submission) -> Run:
        before = len(self.way.kinds)
        with within(self.case.patience, "prepare outlasts trouble that passes"):
            await runner.prepare(submission, RecordingOutput())
        run = await self.case.submitted(runner, submission)
        self.early = {*self.way.kinds[before:]}
        return run

    async def _ended(self, run: Run) -> RunStatus:
        return await self._again(lambda: self.case.ended(run))

    async def _output(self, run: Run) -> bytes:
        data = b""

        async def more() -> None:
            nonlocal data
            async with aclosing(run.logs(len(data))) as chunks:
                async for chunk in chunks:
                    assert chunk.offset == len(data), "pieces of output follow each other"
                    data += chunk.data

        with within(self.case.patience, "logs outlasts trouble that passes"):
            await self._again(more)
        return data

    async def _removed(self, runner: Runner, run: Run, submission: Submission) -> None:
        await self._again(lambda: self.case.closed(run))
        assert not await self.workload.traces(submission), "aclose leaves nothing of a run"
        with refused(RunLost, "a run that was removed is lost"):
            await self._again(lambda: self._looked(runner, run.ref))

    async def _looked(self, runner: Runner, ref: str) -> None:
        await self.case.now(await self.case.attached(runner, ref))

    async def _again(self, act: Callable[[], Awaitable[T]]) -> T:
        """As an agent does: a LaunchkitError is no verdict of a run, but RunLost is one."""
        return await retry(act, on=_passes, backoff=replace(AGAIN, deadline=self.case.patience))


def _passes(exc: Exception) -> bool:
    return isinstance(exc, LaunchkitError) and not isinstance(exc, RunLost)


class RunnerFaultContract(RunnerCase):
    """Give the fixtures `gateway`, `runner`, which goes through it, and `workload`. In each life of
    a run one request goes wrong; then it is asked again, as an agent does.
    """

    not_repeated: tuple[str, ...] = ()
    """Words in requests that start again what has ended meanwhile when something on the way repeats
    them, so that no client can help: not repeated then in the lives of runs that end by themselves.
    """

    @pytest.fixture
    def gateway(self) -> Gateway:
        """The way to the server."""
        raise pytest.UsageError("override the fixture `gateway`")

    @pytest.fixture
    def lives(self, runner: Runner, workload: Workload, site: Site, gateway: Gateway) -> Lives:
        """What is done with the runner."""
        return Lives(self, runner, workload, site, gateway)

    async def test_a_request_that_is_delayed_harms_no_run(self, lives: Lives) -> None:
        """Others come first."""
        await lives.go_well(DELAYED)

    async def test_a_request_that_is_refused_harms_no_run(self, lives: Lives) -> None:
        """The connection breaks before the server knows of it."""
        await lives.go_well(REFUSED)

    async def test_a_request_that_is_done_twice_harms_no_run(self, lives: Lives) -> None:
        """As when something on the way repeats it; the second answer counts."""
        await lives.go_well(DONE_TWICE, but=self.not_repeated)

    async def test_a_request_whose_answer_is_lost_harms_no_run(self, lives: Lives) -> None:
        """It is done, and nobody knows."""
        await lives.go_well(ANSWER_LOST)

    async def test_a_request_that_is_throttled_harms_no_run(self, lives: Lives) -> None:
        """Status 429: it is asked again later. One that changes something is not, before the time
        that `Retry-After` tells is over.
        """
        await lives.go_well(THROTTLED)
