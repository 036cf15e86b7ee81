"""Runners of local processes that go wrong when their process is killed, most of them only then."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Run
from launchkit.builtin.local_process.run import ProcessRun
from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner as Right
from launchkit.errors import RunLost, SubmitError
from launchkit.model import Submission


class RefusesAHalfMadePlace(Right):
    async def submit(self, submission: Submission) -> Run:
        place = RunDir(Path(self.ref_of(submission)))
        if place.path.exists() and not place.look().started:
            raise SubmitError(f"{place.path}: is there already")
        return await super().submit(submission)


class TakesAHalfMadePlaceForARun(Right):
    async def submit(self, submission: Submission) -> Run:
        place = RunDir(Path(self.ref_of(submission)))
        if place.path.exists():
            return ProcessRun(place)
        return await super().submit(submission)


class LeavesALock(Right):
    """It is held by its file, which a crash does not remove."""

    async def submit(self, submission: Submission) -> Run:
        lock = Path(f"{self.ref_of(submission)}.submits")
        while lock.exists():
            if lock.read_text() != str(os.getpid()):
                raise SubmitError(f"{lock}: another agent submits it")
            await anyio.sleep(0.01)
        lock.write_text(str(os.getpid()))
        try:
            return await super().submit(submission)
        finally:
            lock.unlink()


class NotesAfterTheStart(Right):
    """Each start has a name of its own, which is noted when it is done."""

    async def submit(self, submission: Submission) -> Run:
        note = self._note(self.ref_of(submission))
        if not note.exists():
            code = Path(f"{submission.code}-{uuid4().hex[:8]}")
            await run_sync(shutil.copytree, str(submission.code), code)
            run = await super().submit(replace(submission, name=code.name, code=code))
            note.write_text(run.ref)
        return await self.attach(self.ref_of(submission))

    async def attach(self, ref: str) -> Run:
        try:
            return await super().attach(self._note(ref).read_text())
        except FileNotFoundError as exc:
            raise RunLost(f"{ref}: nothing is noted") from exc

    def _note(self, ref: str) -> Path:
        return Path(f"{ref}.note")


class RemovesTheEndFirst(ProcessRun):
    async def aclose(self) -> None:
        if (await self.status()).state.ended:
            (self._dir.path / "exit").unlink(missing_ok=True)
        await super().aclose()


class MarksAfterTheKill(ProcessRun):
    async def _cancel(self, grace: float) -> None:
        self._cancelled = True
        await self._cancel_unmarked(grace)
        await run_sync(self._dir.mark_cancelled, 0.0)


class EndsFirst(Right):
    """Its runs forget their end before they are removed."""

    run: type[ProcessRun] = RemovesTheEndFirst

    async def submit(self, submission: Submission) -> Run:
        return self.run(RunDir(Path((await super().submit(submission)).ref)))

    async def attach(self, ref: str) -> Run:
        return self.run(RunDir(Path((await super().attach(ref)).ref)))


class KillsFirst(EndsFirst):
    """That a run is cancelled is noted when it has ended."""

    run = MarksAfterTheKill


class EndsWithItsProcess(Right):
    """A watchdog ends runs when the process that submitted them is gone."""

    async def submit(self, submission: Submission) -> Run:
        run = await super().submit(submission)
        if pid := RunDir(Path(run.ref)).supervisor():
            wait = f"while kill -0 {os.getpid()}; do sleep 0.05; done"
            script = f"({wait}; kill -{signal.SIGKILL:d} {pid}) >/dev/null 2>&1 &"
            await anyio.run_process(["/bin/sh", "-c", script], start_new_session=True)
        return run


class LeavesWhatNeverBegan(Right):
    async def discard(self, ref: str) -> None:
        pass
