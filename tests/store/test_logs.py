"""Logs: by offset, without gaps, whatever is sent twice."""

import pytest
from store.conftest import LEASE, Clock, Store

from launchkit.errors import LeaseLost, QueueError
from launchkit.model import Claim, ItemState, LogPage
from launchkit.store import logs


async def read(store: Store, ref: str, offset: int = 0, attempt: int | None = None) -> LogPage:
    return await store.database.read(logs.Read("e", ref, attempt, offset))


async def whole(store: Store, ref: str, attempt: int | None = None) -> bytes:
    data = b""
    while piece := (await read(store, ref, len(data), attempt)).data:
        data += piece
    return data


@pytest.fixture
async def claim(store: Store) -> Claim:
    await store.queue()
    await store.launch()
    return await store.claimed()


async def test_pieces_come_back_as_one(store: Store, claim: Claim) -> None:
    for offset, data in ((0, b"one\n"), (4, b"\xff\x00two\n")):
        await store.write(logs.Append(claim, offset, data))
    assert await whole(store, claim.item.id) == b"one\n\xff\x00two\n"
    assert (await read(store, claim.item.id, 2)).data == b"e\n"


async def test_what_is_sent_again_is_stored_once(store: Store, claim: Claim) -> None:
    for offset, data in ((0, b"abc"), (0, b"abc"), (1, b"bcde"), (5, b"f")):
        await store.write(logs.Append(claim, offset, data))
    assert await whole(store, claim.item.id) == b"abcdef"


async def test_a_gap_is_refused(store: Store, claim: Claim) -> None:
    with pytest.raises(QueueError, match="from 0 to 7 is missing"):
        await store.write(logs.Append(claim, 7, b"x"))


async def test_only_the_holder_may_add(store: Store, claim: Claim, clock: Clock) -> None:
    clock.now += LEASE + 1
    await store.claimed("b")
    with pytest.raises(LeaseLost):
        await store.write(logs.Append(claim, 0, b"x"))


async def test_each_attempt_has_its_own_log(store: Store, claim: Claim) -> None:
    await store.write(logs.Append(claim, 0, b"first"))
    await store.report(claim, ItemState.QUEUED, next_attempt=True)
    second = await store.claimed()
    await store.write(logs.Append(second, 0, b"second"))
    assert await whole(store, claim.item.id) == b"second"
    assert await whole(store, claim.item.id, attempt=1) == b"first"
    assert (await read(store, claim.item.id, 5, attempt=1)).complete


async def test_a_log_is_complete_when_its_run_has_ended(store: Store, claim: Claim) -> None:
    assert not (await read(store, claim.item.id)).complete
    await store.report(claim, ItemState.FINISHED)
    assert (await read(store, claim.item.id)).complete
