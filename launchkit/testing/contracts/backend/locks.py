"""Locks: who builds what others wait for."""

import anyio
import pytest

from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.service import HOUR, Service


class LockContract(ServiceContract):
    """What `acquire_lock` and `release_lock` promise."""

    async def test_a_lock_has_one_holder_as_long_as_it_is_renewed(self, service: Service) -> None:
        """Then it is free."""
        self.require_locks()
        assert await service.backend.acquire_lock("image", "a", 10.0), "a free lock is given"
        assert not await service.backend.acquire_lock("image", "b", HOUR), "it has one holder"
        assert await service.backend.acquire_lock("image", "a", 2.0), "its holder renews it"
        await service.advance(1.0)
        assert not await service.backend.acquire_lock("image", "b", HOUR), (
            "one who asked in vain has not changed a lock"
        )
        assert await service.backend.acquire_lock("image", "a", 2.0), "its holder renews it"
        await service.advance(1.5)
        assert not await service.backend.acquire_lock("image", "b", HOUR), (
            "a lock that was renewed lasts from then on"
        )
        await service.advance(1.0)
        assert await service.backend.acquire_lock("image", "b", HOUR), (
            "a lock that nobody renews is free when its time is over"
        )
        assert not await service.backend.acquire_lock("image", "a", HOUR), "it has one holder"

    async def test_a_lock_is_given_back_by_its_holder_alone(self, service: Service) -> None:
        """One who lost it does not take it from the next."""
        self.require_locks()
        await service.backend.acquire_lock("image", "a", HOUR)
        await service.backend.release_lock("image", "b")
        assert not await service.backend.acquire_lock("image", "b", HOUR), (
            "what another gives back is not given back"
        )
        await service.backend.release_lock("image", "a")
        assert await service.backend.acquire_lock("image", "b", HOUR), (
            "a lock that its holder gave back is free"
        )
        await service.backend.release_lock("never-taken", "a")

    async def test_locks_of_other_names_are_other_locks(self, service: Service) -> None:
        """Two images are built at once. A backend without locks lets everybody go on."""
        assert await service.backend.acquire_lock("one", "a", HOUR), "a lock that is free is given"
        assert await service.backend.acquire_lock("two", "b", HOUR), (
            "a lock of another name is another lock"
        )
        await service.backend.release_lock("two", "b")
        got = await service.backend.acquire_lock("one", "b", HOUR)
        assert got is not self.knows_locks, (
            "a lock has one holder; a backend without locks lets everybody go on"
        )

    async def test_a_lock_is_given_to_one_of_many_who_ask_at_once(self, service: Service) -> None:
        """The others wait for the image."""
        self.require_locks()
        got: list[bool] = []

        async def ask(holder: str) -> None:
            got.append(await service.raw.acquire_lock("image", holder, HOUR))

        with service.within("`acquire_lock` answers each of six who ask at once"):
            async with anyio.create_task_group() as tasks:
                for number in range(6):
                    tasks.start_soon(ask, f"agent-{number}")
        assert got.count(True) == 1, "a lock is given to one of those who ask at once"

    def require_locks(self) -> None:
        """Skip the test for a backend without locks."""
        if not self.knows_locks:
            pytest.skip("the backend knows no locks")
