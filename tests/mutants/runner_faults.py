"""Runners of jobd that go wrong when jobd does not answer as it should."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import replace

import anyio
import pytest

from launchkit.abc import Run
from launchkit.aio.retry import Backoff, retry, retry_after
from launchkit.errors import LaunchkitError, RunLost, SubmitError, Unreachable
from launchkit.model import Json, RunStatus, Submission
from mutants.runner_jobd import Jobd, JobdRunner, JobRun


def asking(client: type[Jobd], run_class: type[JobRun] = JobRun) -> type[JobdRunner]:
    """A runner that asks by that client, and whose runs are of that class."""

    class Asking(JobdRunner):
        async def start(self, *args: object) -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("launchkit_jobd.client.Jobd", client)
                await super().start(*args)

        async def submit(self, submission: Submission) -> Run:
            run = await super().submit(submission)
            run.__class__ = run_class
            return run

        async def attach(self, ref: str) -> Run:
            run = await super().attach(ref)
            run.__class__ = run_class
            return run

    return Asking


# --- submit


class SubmitsOnce(JobdRunner):
    async def submit(self, submission: Submission) -> Run:
        await self._jobd.submit(self._request(submission))
        return JobRun(submission.name, self._jobd, self._known)


class GivesUpWhenThrottled(Jobd):
    async def submit(self, job: Json) -> None:
        try:
            await super().submit(job)
        except Unreachable as exc:
            if retry_after(exc):
                raise SubmitError(exc.message) from exc
            raise


class IgnoresRetryAfter(Jobd):
    async def submit(self, job: Json) -> None:
        try:
            await super().submit(job)
        except Unreachable as exc:
            raise Unreachable(exc.message) from exc


class TakesALostAnswerForFailure(Jobd):
    async def submit(self, job: Json) -> None:
        try:
            await super().submit(job)
        except Unreachable as exc:
            raise SubmitError("jobd has not started it") from exc


class TakesNoAnswerForSuccess(Jobd):
    async def submit(self, job: Json) -> None:
        with suppress(Unreachable):
            await super().submit(job)


class NamesEachTry(JobdRunner):
    """A create that may have been done is repeated under a new name."""

    async def submit(self, submission: Submission) -> Run:
        tries = -1

        async def act() -> Run:
            nonlocal tries
            tries += 1
            name = f"{submission.name}-{tries}" if tries else submission.name
            await self._jobd.submit(self._request(replace(submission, name=name)))
            return JobRun(name, self._jobd, self._known)

        return await retry(act, on=Unreachable, backoff=Backoff(deadline=60))


class BeginsAnew(Jobd):
    """What may have begun is ended, and started again."""

    async def submit(self, job: Json) -> None:
        try:
            await super().submit(job)
        except Unreachable as exc:
            with suppress(LaunchkitError):
                await super().stop(str(job["name"]), 0)
                await anyio.sleep(0.2)
                await super().remove(str(job["name"]))
            await anyio.sleep(retry_after(exc))
            await super().submit(job)


class StaysAway(Jobd):
    """Nothing is asked any more after the first trouble."""

    trouble: Unreachable | None = None

    async def submit(self, job: Json) -> None:
        if self.trouble:
            raise self.trouble
        try:
            await super().submit(job)
        except Unreachable as exc:
            self.trouble = exc
            raise


# --- status


class NoAnswerIsNoJob(Jobd):
    async def jobs(self) -> Mapping[str, RunStatus]:
        with suppress(Unreachable):
            return await super().jobs()
        return {}


class ThrottledIsNoJob(Jobd):
    async def jobs(self) -> Mapping[str, RunStatus]:
        try:
            return await super().jobs()
        except Unreachable as exc:
            if retry_after(exc):
                return {}
            raise


# --- logs, cancel, aclose


class LogsEnd(Jobd):
    async def log(self, name: str, offset: int) -> AsyncGenerator[bytes, None]:
        with suppress(Unreachable):
            async for data in super().log(name, offset):
                yield data


class StopsOnce(Jobd):
    """Whoever cancels then waits for ever."""

    async def stop(self, name: str, grace: float) -> None:
        with suppress(Unreachable):
            await super().stop(name, grace)


class HastyStops(Jobd):
    async def stop(self, name: str, grace: float) -> None:
        try:
            await super().stop(name, grace)
        except Unreachable as exc:
            raise Unreachable(exc.message) from exc


class CancelGivesUp(JobRun):
    async def cancel(self, grace: float) -> None:
        with suppress(Unreachable):
            await super().cancel(grace)


class CloseGivesUp(JobRun):
    async def aclose(self) -> None:
        with suppress(Unreachable):
            await super().aclose()


class CloseFailsIfItIsDone(JobRun):
    """Its own first try has removed the job."""

    async def aclose(self) -> None:
        try:
            if (await self.status()).state.ended:
                await self._jobd.remove(self.ref)
        except RunLost as exc:
            raise SubmitError(f"{self.ref} cannot be removed") from exc
