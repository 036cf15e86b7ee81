"""Runners of local processes, with one defect each."""

import os
import threading
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio

from launchkit.abc import Output, Run, Site, others_run
from launchkit.builtin.local_process.run import ProcessRun
from launchkit.builtin.local_process.runner import LocalProcessRunner as Right
from launchkit.errors import LaunchError, RunLost, SubmitError
from launchkit.model import Attempt, RunState, RunStatus, Secret, Submission


class NoEnvironment(Right):
    async def submit(self, submission: Submission) -> Run:
        return await super().submit(replace(submission, env={}))


class NoSecrets(Right):
    async def submit(self, submission: Submission) -> Run:
        env = {key: text for key, text in submission.env.items() if not isinstance(text, Secret)}
        return await super().submit(replace(submission, env=env))


class MaskedSecrets(Right):
    async def submit(self, submission: Submission) -> Run:
        env = {key: "…" if isinstance(v, Secret) else v for key, v in submission.env.items()}
        return await super().submit(replace(submission, env=env))


class ExpandedEnvironment(Right):
    async def submit(self, submission: Submission) -> Run:
        env = {key: os.path.expandvars(text) for key, text in submission.env.items()}
        return await super().submit(replace(submission, env=env))


class UnquotedEnvironment(Right):
    async def submit(self, submission: Submission) -> Run:
        env = {key: text.replace("'", "") for key, text in submission.env.items()}
        return await super().submit(replace(submission, env=env))


class StartsAgain(Right):
    """A name that is there gets a place of its own."""

    async def submit(self, submission: Submission) -> Run:
        if Path(self.ref_of(submission)).exists():
            other = replace(submission, name=f"{submission.name}-{uuid4().hex[:4]}")
            code = Path(self.ref_of(submission)) / "code"
            other = replace(other, code=code)
            return await super().submit(other)
        return await super().submit(submission)


class EndedIsStartedAgain(Right):
    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        if (await run.status()).state.ended:
            name = f"{submission.name}-again"
            code = Path(run.ref) / "code"
            return await super().submit(replace(submission, name=name, code=code))
        return run


class SecondSubmitFails(Right):
    async def submit(self, submission: Submission) -> Run:
        if Path(self.ref_of(submission)).exists():
            raise SubmitError("there is a run of this name already")
        return await super().submit(submission)


class AttemptsShareAName(Right):
    def ref_of(self, submission: Submission) -> str:
        return super().ref_of(replace(submission, name=submission.name.rpartition("-")[0]))

    async def submit(self, submission: Submission) -> Run:
        short = submission.name.rpartition("-")[0]
        return await super().submit(replace(submission, name=short))


class RefIsNotTheOneTold(Right):
    def ref_of(self, submission: Submission) -> str:
        return super().ref_of(submission) + "-x"


class RefIsNew(Right):
    def ref_of(self, submission: Submission) -> str:
        return f"{super().ref_of(submission)}/../{uuid4().hex}"


class RefIsOfAll(Right):
    def ref_of(self, submission: Submission) -> str:
        return str(self._root / "run")


class RefMakesAPlace(Right):
    def ref_of(self, submission: Submission) -> str:
        ref = super().ref_of(submission)
        Path(ref).mkdir(exist_ok=True, parents=True)
        return ref


class SubmitChangesItsArguments(Right):
    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        submission.env["LAUNCHKIT_RUNNER"] = "here"  # type: ignore[index] # the defect
        return run


class SubmitRaisesWhatItLikes(Right):
    async def submit(self, submission: Submission) -> Run:
        try:
            return await super().submit(submission)
        except LaunchError as exc:
            raise ValueError(str(exc)) from exc


class SubmitLetsNobodyIn(Right):
    async def submit(self, submission: Submission) -> Run:
        with anyio.CancelScope(shield=True):
            return await super().submit(submission)


class SubmitHangs(Right):
    async def submit(self, submission: Submission) -> Run:
        await anyio.sleep_forever()
        return await super().submit(submission)


class SubmitBlocks(Right):
    async def submit(self, submission: Submission) -> Run:
        time.sleep(1.5)
        return await super().submit(submission)


class SubmitBlocksForEver(Right):
    async def submit(self, submission: Submission) -> Run:
        time.sleep(3600)
        return await super().submit(submission)


class SubmitSwallowsCancellation(Right):
    async def submit(self, submission: Submission) -> Run:
        while True:
            try:
                await anyio.sleep_forever()
            except BaseException:  # noqa: BLE001 - the defect
                continue


class SubmitWaitsForTheEnd(Right):
    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        status = await run.status()
        while not status.state.ended:
            status = await run.changed(status)
        return run


class SubmitLeavesATask(Right):
    _site: Site

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        await super().start(stack, site)
        self._site = site

    async def submit(self, submission: Submission) -> Run:
        self._site.tasks.start_soon(anyio.sleep_forever)
        return await super().submit(submission)


class SubmitKeepsAFile(Right):
    async def submit(self, submission: Submission) -> Run:
        os.open(os.devnull, os.O_RDONLY)
        return await super().submit(submission)


class StartLeavesAThread(Right):
    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        await super().start(stack, site)


class StartKeepsAFile(Right):
    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        os.open(os.devnull, os.O_RDONLY)
        await super().start(stack, site)


class StartLeavesATask(Right):
    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        import asyncio

        LEFT.append(asyncio.ensure_future(anyio.sleep_forever()))  # noqa: TID251 - the defect
        await super().start(stack, site)


LEFT: list[Any] = []


class AttachStarts(Right):
    async def attach(self, ref: str) -> Run:
        if not Path(ref).exists():
            Path(ref).mkdir()
        return await super().attach(ref)


class AttachFindsAnything(Right):
    async def attach(self, ref: str) -> Run:
        run = ProcessRun(self._place("launchkit-0-1"))
        run.ref = ref
        run.status = endless  # type: ignore[method-assign]
        return run if not Path(ref).exists() else await super().attach(ref)


async def endless() -> RunStatus:
    return RunStatus(state=RunState.RUNNING)


class AttachesToAnyRun(Right):
    async def require_own(self, ref: str, attempt: Attempt) -> None:
        return


class OwnsNothing(Right):
    async def require_own(self, ref: str, attempt: Attempt) -> None:
        raise others_run(ref)


class AttachRaisesWhatItLikes(Right):
    async def attach(self, ref: str) -> Run:
        try:
            return await super().attach(ref)
        except LaunchError as exc:
            raise KeyError(ref) from exc


class AttachKnowsItsOwnOnly(Right):
    own: tuple[str, ...] = ()

    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        self.own = (*self.own, run.ref)
        return run

    async def attach(self, ref: str) -> Run:
        if ref not in self.own:
            raise RunLost(ref)
        return await super().attach(ref)


class AttachFindsNoEnded(Right):
    async def attach(self, ref: str) -> Run:
        run = await super().attach(ref)
        if (await run.status()).state.ended:
            raise RunLost(ref)
        return run


class RunsEndWithTheAgent(Right):
    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        self.mine: list[Run] = []
        await super().start(stack, site)
        stack.push_async_callback(self.end)

    async def end(self) -> None:
        for run in self.mine:
            if Path(run.ref).exists():
                await run.cancel(0)

    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        self.mine.append(run)
        return run


class PrepareOnce(Right):
    async def prepare(self, submission: Submission, out: Output) -> None:
        place = self._setups / submission.name
        place.mkdir(parents=True)
        await super().prepare(submission, out)


class PrepareLeavesPieces(Right):
    async def prepare(self, submission: Submission, out: Output) -> None:
        Path(self.ref_of(submission)).mkdir(exist_ok=True)


class PrepareStarts(Right):
    async def prepare(self, submission: Submission, out: Output) -> None:
        await super().submit(submission)


class PrepareHangsTheSecondTime(Right):
    held: tuple[str, ...] = ()

    async def prepare(self, submission: Submission, out: Output) -> None:
        if submission.name in self.held:
            await anyio.sleep_forever()
        self.held = (*self.held, submission.name)


class ReleaseEndsRuns(Right):
    names: tuple[str, ...] = ()

    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        self.names = (*self.names, run.ref)
        return run

    async def release(self, submission: Submission) -> None:
        for ref in self.names:
            await (await self.attach(ref)).cancel(0)


class DiscardEndsRuns(Right):
    async def discard(self, ref: str) -> None:
        with suppress(RunLost):
            await (await self.attach(ref)).cancel(0)


class ReleaseFailsTwice(Right):
    held: frozenset[str] = frozenset()

    async def prepare(self, submission: Submission, out: Output) -> None:
        self.held |= {submission.name}

    async def release(self, submission: Submission) -> None:
        if submission.name not in self.held:
            raise KeyError(submission.name)
        self.held -= {submission.name}
