"""The calls of jobd, a service that runs jobs. What goes wrong is told by launchkit's errors."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx

from launchkit.aio.retry import retry_after_of
from launchkit.errors import RunLost, SubmitError, Unreachable
from launchkit.model import Json, RunState, RunStatus, Verdict, VerdictCode
from launchkit.runners.verdicts import Reason, of_exit, reason_of, status_of

MAX_ANSWER = 16 * 2**20
"""Bytes of an answer; a longer one is not read."""
REASONS = (
    Reason("image .* not found", VerdictCode.IMAGE_PULL_FAILED, "is its name spelled right?"),
)
ENDS = {
    "stopped": Verdict(code=VerdictCode.STOPPED, summary="The job was told to stop."),
    "evicted": Verdict(code=VerdictCode.PREEMPTED, summary="jobd needed its machine for others."),
    "expired": Verdict(code=VerdictCode.RUN_TIMEOUT, summary="The job ran into its deadline."),
}


class Jobd:
    """One jobd, at *url*."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.AsyncClient(base_url=url, headers=headers, timeout=30)

    async def submit(self, job: Json) -> None:
        """Have a job started; one of that name which is there stays as it is.

        :raises SubmitError: if jobd refuses it.
        """
        async with self._asked("POST", "/jobs", json=dict(job)):
            pass

    async def jobs(self) -> Mapping[str, RunStatus]:
        """All jobs, by name."""
        async with self._asked("GET", "/jobs") as answer:
            said = await _read(answer)
        try:
            return {job["name"]: status_in(job) for job in json.loads(said)["jobs"]}
        except (ValueError, LookupError, TypeError) as exc:
            raise Unreachable(f"jobd gives no list of jobs: {exc!r}") from exc

    async def log(self, name: str, offset: int) -> AsyncGenerator[bytes, None]:
        """What a job has printed by now, from a byte on."""
        params = {"offset": offset}
        async with self._asked("GET", f"/jobs/{quote(name, '')}/log", params=params) as answer:
            async for data in answer.aiter_bytes(65536):
                yield data

    async def stop(self, name: str, grace: float) -> None:
        """Have a job ended: politely, and after *grace* seconds by force. An ended one stays."""
        async with self._asked("DELETE", f"/jobs/{quote(name, '')}", params={"grace": grace}):
            pass

    async def remove(self, name: str) -> None:
        """Have an ended job forgotten."""
        async with self._asked("DELETE", f"/jobs/{quote(name, '')}"):
            pass

    @asynccontextmanager
    async def _asked(self, method: str, path: str, **more: Any) -> AsyncIterator[httpx.Response]:
        """The answer.

        :raises Unreachable: if it does not come now.
        :raises RunLost: if jobd knows no such job.
        :raises SubmitError: if jobd refuses.
        """
        try:
            async with self.http.stream(method, path, **more) as answer:
                if answer.is_error:
                    raise _refusal(answer, (await _read(answer)).decode(errors="replace"))
                yield answer
        except httpx.TransportError as exc:
            raise Unreachable(f"jobd does not answer: {exc!r}") from exc


def status_in(job: Mapping[str, Any]) -> RunStatus:
    """What jobd says of a job; a state that it does not explain is no end."""
    state, code = job["state"], job.get("exit_code")
    if state in ENDS:
        return status_of(ENDS[state], code)
    if state == "ended" and isinstance(code, int):
        return status_of(of_exit(code, what="job", out_of_memory=bool(job.get("oom"))), code)
    return RunStatus(state=RunState.STARTING if state == "waiting" else RunState.RUNNING)


async def _read(answer: httpx.Response) -> bytes:
    data = bytearray()
    async for piece in answer.aiter_bytes(65536):
        data += piece
        if len(data) > MAX_ANSWER:
            raise Unreachable(f"jobd gives more than {MAX_ANSWER} bytes: not read")
    return bytes(data)


def _refusal(answer: httpx.Response, text: str) -> Exception:
    status, text = answer.status_code, text[:500]
    if status in {401, 403}:
        return Unreachable(f"jobd lets nobody in: {text}", hint="look at runners.jobd.token")
    if status == 429 or status >= 500:
        wait = retry_after_of(answer.headers.get("Retry-After"))
        return Unreachable(f"jobd: {status} {text}", retry_after=wait)
    if status == 404:
        return RunLost(f"jobd: {text}")
    reason = reason_of(text, REASONS)
    error = SubmitError(f"jobd refuses: {text}", hint=reason.hint if reason else None)
    error.code = reason.code if reason else error.code
    return error
