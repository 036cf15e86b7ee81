"""How long a run is waited for: until it has a place, until it runs, until it ends."""

import time
from collections.abc import AsyncIterator, Sequence

import anyio
import pytest
from waiting import PATIENCE

from launchkit.abc import Run
from launchkit.agent.watch import watch
from launchkit.errors import RunTimeout, StartTimeout
from launchkit.model import Limits, LogChunk, RunState, RunStatus

NO_ROOM = RunStatus(state=RunState.STARTING, placed=False, message="no node has room")
PULLS = RunStatus(state=RunState.STARTING, message="pulls")
RUNS = RunStatus(state=RunState.RUNNING)
ENDED = RunStatus(state=RunState.FINISHED, exit_code=0)


class Recorded(Run):
    """Goes through some statuses, and stays at the last for ever."""

    ref = "recorded"

    def __init__(self, *statuses: RunStatus) -> None:
        self._now, *self._later = statuses

    async def status(self) -> RunStatus:
        return self._now

    async def changed(self, last: RunStatus) -> RunStatus:
        await anyio.lowlevel.checkpoint()
        if not self._later:
            await anyio.sleep_forever()
        self._now = self._later.pop(0)
        return self._now

    async def cancel(self, grace: float) -> None:
        raise NotImplementedError

    async def logs(self, offset: int) -> AsyncIterator[LogChunk]:
        raise NotImplementedError
        yield


async def told(
    statuses: Sequence[RunStatus],
    limits: Limits,
    submitted_at: float | None = None,
    running_since: float | None = None,
) -> Sequence[RunStatus]:
    heard: list[RunStatus] = []

    async def tell(status: RunStatus) -> None:
        heard.append(status)

    since = {"submitted_at": submitted_at, "running_since": running_since}
    with anyio.fail_after(PATIENCE):
        await watch(Recorded(*statuses), limits, tell, **since)
    return heard


def limits(**seconds: float) -> Limits:
    return Limits(**{"start": 0.0, "run": 0.0, "stop_grace": 0.0, **seconds})


async def test_a_wait_for_a_place_has_no_end_unless_one_is_set() -> None:
    with anyio.move_on_after(0.1) as scope:
        await told([NO_ROOM], limits(start=0.01))
    assert scope.cancelled_caught


async def test_a_run_without_a_place_in_time_has_failed_and_says_what_it_waits_for() -> None:
    with pytest.raises(StartTimeout, match=r"got no place within 0\.01 s.*: no node") as caught:
        await told([RunStatus(state=RunState.STARTING, placed=False), NO_ROOM], limits(place=0.01))
    assert "place time-out" in (caught.value.hint or "")


async def test_the_wait_for_a_place_counts_from_the_submission() -> None:
    hour = 3600.0
    with pytest.raises(StartTimeout, match="got no place"):
        await told([NO_ROOM], limits(place=hour), time.time() - hour)


@pytest.mark.parametrize("status", [NO_ROOM, PULLS, RUNS])
async def test_a_clock_that_is_set_while_the_queue_is_told_is_no_time_that_went_by(
    status: RunStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, now = 3600.0, time.time

    async def tell(status: RunStatus) -> None:
        monkeypatch.setattr(time, "time", lambda: now() + 3 * hour)

    held = limits(place=hour, start=hour, run=hour)
    since = {"submitted_at": time.time(), "running_since": time.time()}
    outcome = await watch(Recorded(status, ENDED), held, tell, **since)
    assert outcome.state is RunState.FINISHED


async def test_the_time_of_a_run_counts_from_when_it_was_first_seen_running() -> None:
    hour = 3600.0
    with pytest.raises(RunTimeout, match="ran longer than its 3600 seconds"):
        await told([RUNS], limits(run=hour), running_since=time.time() - hour)


async def test_the_wait_for_the_start_begins_with_the_place() -> None:
    statuses = [NO_ROOM, PULLS, ENDED]
    assert await told(statuses, limits(place=60.0, start=60.0)) == statuses
    with pytest.raises(StartTimeout, match=r"did not start within 0\.01 seconds: pulls"):
        await told([NO_ROOM, PULLS], limits(place=60.0, start=0.01))
