"""Locks in a real database of each kind."""

import anyio
from store.conftest import Clock, Store

from launchkit.store.agents import Forget
from launchkit.store.locks import Acquire, Release, holder_in


async def test_one_of_many_who_ask_at_once_gets_the_lock(store: Store) -> None:
    held = []

    async def ask(holder: str) -> None:
        if await store.write(Acquire("image", holder, 30)):
            held.append(holder)

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(ask, f"h{number}")
    assert len(held) == 1


async def test_a_lock_that_is_let_go_is_free_at_once(store: Store) -> None:
    assert await store.write(Acquire("image", "a", 30))
    assert await store.write(Acquire("other", "b", 30))
    await store.write(Release("image", "b"))
    assert not await store.write(Acquire("image", "b", 30))
    await store.write(Release("image", "a"))
    assert await store.write(Acquire("image", "b", 30))


async def test_asking_again_renews_and_a_lock_that_is_not_renewed_passes_on(
    store: Store, clock: Clock
) -> None:
    for _ in range(3):
        assert await store.write(Acquire("image", "a", 30))
        clock.now += 20
        assert not await store.write(Acquire("image", "b", 30))
    clock.now += 10
    assert await store.write(Acquire("image", "b", 30))
    assert not await store.write(Acquire("image", "a", 30))


async def test_the_locks_of_an_agent_that_died_are_free_at_once(store: Store) -> None:
    holders = [holder_in("e", one) for one in ("a/run/1", "ab/run/1", "a_/run/1")]
    holders += [holder_in(entity, "a/run/1") for entity in ("elsewhere", "e/a", "e/", "e%2Fa")]
    for holder in holders:
        assert await store.write(Acquire(f"image of {holder}", holder, 30))
    await store.write(Forget("e", "a", dead=True))
    free = [await store.write(Acquire(f"image of {one}", "other", 30)) for one in holders]
    assert free == [True, *[False] * (len(holders) - 1)]
