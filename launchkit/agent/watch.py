"""Follow a run until it ends."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext

import anyio

from launchkit.abc import Run
from launchkit.errors import RunTimeout, StartTimeout
from launchkit.model import Limits, Outcome, RunState, RunStatus, Verdict


async def watch(
    run: Run,
    limits: Limits,
    tell: Callable[[RunStatus], Awaitable[None]],
    *,
    submitted_at: float | None = None,
    running_since: float | None = None,
) -> Outcome:
    """Tell of each change of *run* until it ends; give how it ended.

    *submitted_at* and *running_since* are the Unix times at which it was submitted and first seen
    running, maybe by an earlier agent: its limits count from there.

    :raises StartTimeout: if it has no place within `limits.place` seconds, or does not run within
        `limits.start` seconds of having got it.
    :raises RunTimeout: if it runs longer than `limits.run` seconds.
    """
    submitted, running = _moment(submitted_at), _moment(running_since)
    status = await run.status()

    async def told(now: RunStatus) -> None:
        nonlocal status
        status = now
        await tell(now)

    await told(status)
    if not status.placed:
        with _limit(limits.place, submitted) as scope:
            await _until(run, status, told, lambda s: s.placed)
        if scope and scope.cancelled_caught:
            raise _late(f"got no place within {limits.place:g} seconds", "place", status)
    if status.state is RunState.STARTING:
        with _limit(limits.start, _moment(status.placed_at) or submitted) as scope:
            await _until(run, status, told, lambda s: s.state is not RunState.STARTING)
        if scope and scope.cancelled_caught:
            raise _late(f"did not start within {limits.start:g} seconds", "start", status)
    if not status.state.ended:
        with _limit(limits.run, running) as scope:
            await _until(run, status, told, lambda s: s.state.ended)
        if scope and scope.cancelled_caught:
            raise RunTimeout(f"ran longer than its {limits.run:g} seconds and was ended")
    return Outcome(
        state=status.state,
        exit_code=status.exit_code,
        verdict=status.verdict or _verdict(status),
        ran=status.ran,
    )


async def _until(
    run: Run,
    status: RunStatus,
    tell: Callable[[RunStatus], Awaitable[None]],
    done: Callable[[RunStatus], bool],
) -> None:
    while not done(status):
        status = await run.changed(status)
        await tell(status)


def _late(what: str, limit: str, status: RunStatus) -> StartTimeout:
    waited = f": {status.message}" if status.message else ""
    hint = f"raise the {limit} time-out, or look at what it waits for"
    return StartTimeout(f"{what}{waited}", hint=hint)


def _limit(seconds: float, since: float | None) -> AbstractContextManager[anyio.CancelScope | None]:
    if not seconds:
        return nullcontext()
    return anyio.CancelScope(deadline=(since or anyio.current_time()) + seconds)


def _moment(at: float | None) -> float | None:
    """A Unix time on the event loop's clock, which nobody sets while it is waited."""
    return anyio.current_time() - max(0.0, time.time() - at) if at else None


def _verdict(status: RunStatus) -> Verdict:
    if status.state is RunState.FINISHED:
        return Verdict(code="ok", summary="It ended well.")
    code = {RunState.STOPPED: "stopped", RunState.PREEMPTED: "preempted"}.get(
        status.state, "failed"
    )
    return Verdict(code=code, summary=status.message or f"The run ended as {status.state}.")
