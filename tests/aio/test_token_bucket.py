"""No more calls than allowed, in the order of asking."""

import anyio
import pytest
from waiting import PATIENCE

from launchkit.aio.token_bucket import TokenBucket
from launchkit.testing import VirtualClock


class Waiting:
    """A clock that the waits move on."""

    def __init__(self) -> None:
        self.clock = VirtualClock(0.0)
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.advance(seconds)
        await anyio.lowlevel.checkpoint()

    def bucket(self, rate: float, burst: float) -> TokenBucket:
        return TokenBucket(rate, burst, clock=self.clock, sleep=self.sleep)


async def test_a_burst_is_given_at_once_and_the_rest_at_the_rate() -> None:
    waiting = Waiting()
    bucket = waiting.bucket(rate=2.0, burst=3.0)
    for _ in range(5):
        await bucket.take()
    assert waiting.waits == [0.5, 0.5]


async def test_it_fills_up_to_the_burst_while_nobody_asks() -> None:
    waiting = Waiting()
    bucket = waiting.bucket(rate=1.0, burst=2.0)
    await bucket.take(2.0)
    waiting.clock.advance(3600)
    await bucket.take(2.0)
    await bucket.take(1.0)
    assert waiting.waits == [1.0]


async def test_a_small_wish_does_not_go_before_a_large_one_that_was_there_first() -> None:
    waiting = Waiting()
    bucket = waiting.bucket(rate=1.0, burst=4.0)
    await bucket.take(4.0)
    order: list[float] = []

    async def take(tokens: float) -> None:
        await bucket.take(tokens)
        order.append(tokens)

    async with anyio.create_task_group() as tasks:
        for tokens in (4.0, 1.0, 2.0):
            tasks.start_soon(take, tokens)
            await anyio.lowlevel.checkpoint()
    assert order == [4.0, 1.0, 2.0]


async def test_one_who_is_cancelled_takes_nothing_and_stands_in_nobodys_way() -> None:
    bucket = TokenBucket(rate=0.001, burst=1.0)
    await bucket.take()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await bucket.take()
    bucket._tokens = 1.0
    with anyio.fail_after(PATIENCE):
        await bucket.take()


async def test_more_than_it_ever_holds_is_refused_instead_of_waited_for() -> None:
    with pytest.raises(ValueError, match="2 tokens from a bucket that holds 1"):
        await TokenBucket(rate=1.0).take(2.0)
