"""One at a time, with a real queue in a file."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE, until

from launchkit.abc import Site
from launchkit.errors import LaunchError
from launchkit.images.single_flight import single_flight
from launchkit.store.backend import StoreBackend
from launchkit.testing import FakeBackend, Throttle, VirtualClock

LEASE = 0.6
HOUR = 3600.0
LONG = 6.0
"""So long that a renewal, which is due after a third of it, comes in time on any machine."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with anyio.create_task_group() as tasks:
        yield Site(agent="a", name="here", state_dir=tmp_path, cache_dir=tmp_path, tasks=tasks)


@pytest.fixture
def clock() -> VirtualClock:
    """The queue's, in tests that ask for it; else time goes by."""
    return VirtualClock()


@pytest.fixture
async def backend(
    site: Site, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[FakeBackend]:
    async with AsyncExitStack() as stack:
        backend = FakeBackend(url=f"sqlite:///{tmp_path}/launchkit.db", entity="e")
        if "clock" in request.fixturenames:
            backend.clock = request.getfixturevalue("clock")
        await backend.start(stack, site)
        yield backend


@pytest.fixture
async def other(backend: FakeBackend, site: Site) -> AsyncIterator[StoreBackend]:
    """Another agent's way to the same queue."""
    async with AsyncExitStack() as stack:
        other = StoreBackend(url=backend.url, entity="e")
        other.clock = backend.clock
        await other.start(stack, site)
        yield other


@pytest.mark.parametrize("shared", [True, False])
async def test_bodies_of_one_name_run_one_after_the_other(
    backend: FakeBackend, shared: bool
) -> None:
    inside: set[int] = set()
    most = []

    async def body(number: int) -> None:
        async with single_flight(backend if shared else None, "image", f"h{number}"):
            inside.add(number)
            await anyio.lowlevel.checkpoint()
            most.append(len(inside))
            inside.remove(number)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(body, number)
    assert most == [1] * 5


async def test_another_name_does_not_wait(backend: FakeBackend) -> None:
    with anyio.fail_after(PATIENCE):
        async with single_flight(backend, "one", "a"), single_flight(backend, "two", "a"):
            pass


async def test_who_waits_goes_on_when_a_dead_holder_s_time_is_over(
    backend: FakeBackend, other: StoreBackend
) -> None:
    assert await other.acquire_lock("image", "dead", LEASE)
    with anyio.fail_after(PATIENCE):
        async with single_flight(backend, "image", "alive"):
            assert not await other.acquire_lock("image", "dead", LEASE)


async def test_a_lock_lasts_as_long_as_it_is_asked_for_when_its_holder_dies(
    backend: FakeBackend, other: StoreBackend, clock: VirtualClock
) -> None:
    async with single_flight(backend, "image", "a", lease=HOUR):
        clock.advance(HOUR - 1)
        assert not await other.acquire_lock("image", "b", HOUR)
        clock.advance(2)
        assert await other.acquire_lock("image", "b", HOUR)


class LateOnce(FakeBackend):
    """Its first answer comes when the lease that it tells of is over."""

    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        held = await super().acquire_lock(name, holder, seconds)
        if len(self.faults.calls) == 1:
            await anyio.sleep(seconds)
        return held


async def test_a_lock_of_which_is_told_when_its_time_is_over_is_asked_for_again(
    site: Site, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        late = LateOnce(url=f"sqlite:///{tmp_path}/launchkit.db", entity="e")
        await late.start(stack, site)
        async with single_flight(late, "image", "a", lease=LEASE):
            assert len(late.faults.calls) > 1


@contextmanager
def given_up(says: str) -> Iterator[None]:
    """What must not go on once its lock is lost."""
    with anyio.move_on_after(PATIENCE) as patience, pytest.raises(LaunchError, match=says):
        yield
    assert not patience.cancelled_caught, "the body goes on though its lock is lost"


async def outlive(backend: FakeBackend, clock: VirtualClock) -> None:
    """Let more time go by than a lock lasts, a part of it with each time that it is asked for."""
    for _ in range(3):
        asked = len(backend.faults.calls)
        await until(lambda asked=asked: len(backend.faults.calls) > asked)
        clock.advance(0.4 * LONG)


async def test_a_lock_is_renewed_while_the_body_lasts_and_free_afterwards(
    backend: FakeBackend, other: StoreBackend, clock: VirtualClock
) -> None:
    async with single_flight(backend, "image", "a", lease=LONG):
        await outlive(backend, clock)
        assert not await other.acquire_lock("image", "b", LONG)
    assert await other.acquire_lock("image", "b", LONG)


async def test_a_failure_of_the_body_comes_out_as_it_is_and_frees_the_lock(
    backend: FakeBackend, other: StoreBackend
) -> None:
    with pytest.raises(ValueError, match="broken"):
        async with single_flight(backend, "image", "a"):
            raise ValueError("broken")
    assert await other.acquire_lock("image", "b", LEASE)


async def test_a_body_that_is_cancelled_frees_the_lock(
    backend: FakeBackend, other: StoreBackend
) -> None:
    with anyio.CancelScope() as scope:
        async with single_flight(backend, "image", "a"):
            scope.cancel()
            await anyio.sleep_forever()
    assert await other.acquire_lock("image", "b", LEASE)


async def test_a_body_whose_lock_another_took_is_cancelled(
    backend: FakeBackend, other: StoreBackend
) -> None:
    async def held() -> None:
        async with single_flight(backend, "image", "a", lease=LONG):
            robbed = False
            while not robbed:  # its holder may renew it in between
                await other.release_lock("image", "a")
                robbed = await other.acquire_lock("image", "b", HOUR)
            await anyio.sleep_forever()

    with given_up("'image' was lost"):
        await held()
    assert not await other.acquire_lock("image", "c", LEASE)


async def test_a_queue_that_is_away_for_a_moment_does_no_harm(
    backend: FakeBackend, other: StoreBackend, clock: VirtualClock
) -> None:
    backend.faults.add(Throttle("acquire_lock"))
    async with single_flight(backend, "image", "a", lease=LONG):
        backend.faults.add(Throttle("acquire_lock"))
        await outlive(backend, clock)
        assert not await other.acquire_lock("image", "b", LONG)


async def test_a_queue_that_stays_away_ends_the_body_with_the_lease(backend: FakeBackend) -> None:
    async def cut_off() -> None:
        async with single_flight(backend, "image", "a", lease=LEASE):
            backend.faults.add(Throttle("acquire_lock", times=1000))
            await anyio.sleep_forever()

    with given_up("could not be told"):
        await cut_off()
