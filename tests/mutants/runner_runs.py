"""Runs of local processes, with one defect each."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Run
from launchkit.builtin.local_process.run import ProcessRun
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import Unreachable
from launchkit.model import RunState, RunStatus, Submission


def running(run_class: type[ProcessRun]) -> type[LocalProcessRunner]:
    """A runner whose runs are of that class."""

    class Mutated(LocalProcessRunner):
        async def submit(self, submission: Submission) -> Run:
            run = await super().submit(submission)
            run.__class__ = run_class
            return run

        async def attach(self, ref: str) -> Run:
            run = await super().attach(ref)
            run.__class__ = run_class
            return run

    return Mutated


# --- how a run ends


class NeverKills(ProcessRun):
    async def cancel(self, grace: float) -> None:
        return


class RanForAnHour(ProcessRun):
    async def status(self) -> RunStatus:
        now = await super().status()
        return replace(now, ran=3600.0) if now.state.ended else now


class OnlySaysStopped(ProcessRun):
    stopped = False

    async def cancel(self, grace: float) -> None:
        self.stopped = not (await super().status()).state.ended

    async def status(self) -> RunStatus:
        now = await super().status()
        return RunStatus(state=RunState.STOPPED) if self.stopped else now


class CancelReturnsEarly(ProcessRun):
    """Most runs are over by then."""

    async def cancel(self, grace: float) -> None:
        with anyio.move_on_after(0.2):
            await super().cancel(grace)


class NeverForces(ProcessRun):
    async def cancel(self, grace: float) -> None:
        await super().cancel(3600)


class ForcesAtOnce(ProcessRun):
    async def cancel(self, grace: float) -> None:
        await super().cancel(0)


class WaitsOutTheGrace(ProcessRun):
    async def cancel(self, grace: float) -> None:
        if not (await self.status()).state.ended:
            await super().cancel(grace)
            await anyio.sleep(grace)


class KillsTheMainProcessOnly(ProcessRun):
    async def cancel(self, grace: float) -> None:
        if (await self.status()).state.ended:
            return
        with anyio.move_on_after(10):
            while not (pid := self._dir.group(self._dir.processes())):
                await anyio.sleep(0.01)
            self._dir.mark_cancelled(0)
            os.kill(self._dir.supervisor() or 0, 9)
            os.kill(pid, 9)

    async def _force_end(self, patience: float = 0) -> None:
        return


class CancelSaysFailed(ProcessRun):
    async def status(self) -> RunStatus:
        now = await super().status()
        return replace(now, state=RunState.FAILED) if now.state is RunState.STOPPED else now


class CancelRewritesTheEnd(ProcessRun):
    told = False

    async def cancel(self, grace: float) -> None:
        await super().cancel(grace)
        self.told = True

    async def status(self) -> RunStatus:
        now = await super().status()
        return replace(now, state=RunState.STOPPED) if self.told else now


class SecondCancelFails(ProcessRun):
    async def cancel(self, grace: float) -> None:
        if (await self.status()).state.ended:
            raise Unreachable("there is no such process")
        await super().cancel(grace)


class CancelHangsOnTheEnded(ProcessRun):
    async def cancel(self, grace: float) -> None:
        if (await self.status()).state.ended:
            await anyio.sleep_forever()
        await super().cancel(grace)


class ChangedSwallowsCancellation(ProcessRun):
    async def changed(self, last: RunStatus) -> RunStatus:
        with anyio.CancelScope(shield=True):
            return await super().changed(last)


class CancelEndsAllRuns(ProcessRun):
    async def cancel(self, grace: float) -> None:
        await super().cancel(grace)
        for run in ALL_RUNS:
            await ProcessRun.cancel(run, grace)


ALL_RUNS: list[ProcessRun] = []


class EndsAllRuns(running(CancelEndsAllRuns)):  # type: ignore[misc]
    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        ALL_RUNS.append(run)
        return run


class FailureIsSuccess(ProcessRun):
    async def status(self) -> RunStatus:
        now = await super().status()
        return replace(now, state=RunState.FINISHED) if now.state is RunState.FAILED else now


class SignalIsSuccess(ProcessRun):
    async def status(self) -> RunStatus:
        now = await super().status()
        signalled = now.state is RunState.FAILED and (now.exit_code or 0) not in range(1, 128)
        return replace(now, state=RunState.FINISHED) if signalled else now


class ExitCodeIsLost(ProcessRun):
    async def status(self) -> RunStatus:
        return replace(await super().status(), exit_code=None)


class ExitCodeIsOne(ProcessRun):
    async def status(self) -> RunStatus:
        now = await super().status()
        return replace(now, exit_code=1) if now.exit_code else now


class EndChanges(ProcessRun):
    looks = 0

    async def status(self) -> RunStatus:
        self.looks += 1
        now = await super().status()
        return replace(now, message=f"look {self.looks}") if now.state.ended else now


class EmptyVerdict(ProcessRun):
    async def status(self) -> RunStatus:
        now = await super().status()
        return replace(now, verdict=replace(now.verdict, summary="")) if now.verdict else now


class AlwaysRunning(ProcessRun):
    async def status(self) -> RunStatus:
        now = await super().status()
        return RunStatus(state=RunState.RUNNING) if now.state is RunState.FINISHED else now


class ChangedGivesTheLast(ProcessRun):
    async def changed(self, last: RunStatus) -> RunStatus:
        await anyio.sleep(0.01)
        return await self.status()


class ChangedNeverReturns(ProcessRun):
    async def changed(self, last: RunStatus) -> RunStatus:
        await anyio.sleep_forever()
        return last


class ChangedMissesWhatIsPast(ProcessRun):
    async def changed(self, last: RunStatus) -> RunStatus:
        if (await self.status()).state.ended:
            await anyio.sleep_forever()
        return await super().changed(last)


class ChangedEndsTheRun(ProcessRun):
    async def changed(self, last: RunStatus) -> RunStatus:
        try:
            return await super().changed(last)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.cancel(0)
            raise


# --- removal


class CloseLeavesAll(ProcessRun):
    async def aclose(self) -> None:
        return


class CloseLeavesTheCancelled(ProcessRun):
    async def aclose(self) -> None:
        if (await self.status()).state is not RunState.STOPPED:
            await super().aclose()


class CloseEndsTheLive(ProcessRun):
    async def aclose(self) -> None:
        await self.cancel(0)
        await super().aclose()


class CloseRemovesTheLive(ProcessRun):
    async def aclose(self) -> None:
        await run_sync(shutil.rmtree, self.ref, True)


class CloseFailsTwice(ProcessRun):
    async def aclose(self) -> None:
        if not Path(self.ref).exists():
            raise FileNotFoundError(self.ref)
        await super().aclose()


class CloseFailsIfAnotherRemovedIt(ProcessRun):
    closed = False

    async def aclose(self) -> None:
        if not self.closed and not Path(self.ref).exists():
            raise FileNotFoundError(self.ref)
        self.closed = True
        await super().aclose()


class CloseRemovesOtherAttempts(ProcessRun):
    async def aclose(self) -> None:
        await super().aclose()
        for place in Path(self.ref).parent.glob(f"{self.ref.rpartition('/')[2][:-1]}*"):
            await run_sync(shutil.rmtree, place, True)


class CloseHangs(ProcessRun):
    async def aclose(self) -> None:
        await anyio.sleep_forever()
