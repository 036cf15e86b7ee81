"""Logs: by offset, without gaps, whatever is sent twice."""

import random
import zlib

import pytest
from store.conftest import LEASE, Clock, Store

from launchkit.errors import LeaseLost, QueueError
from launchkit.model import Claim, ItemState, LogPage
from launchkit.store import logs
from launchkit.store.database import Tx

PAGE_MOST = logs.PAGE + logs.PIECE


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
    assert (await read(store, claim.item.id, 2)).data == b"e\n\xff\x00two\n"


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


async def rows_of(store: Store, item_id: str) -> list[tuple[int, int, int]]:
    async def body(tx: Tx) -> list[tuple[int, int, int]]:
        rows = await tx.all("log_piece", item=item_id, attempt=1, offset=0, limit=2**40)
        return [(row["offset"], len(logs.plain(row)), row["packed"]) for row in rows]

    return await store.database.read(body)


async def test_small_pieces_become_one_packed_piece_when_it_is_whole(
    store: Store, claim: Claim
) -> None:
    line = b"epoch 1: loss 0.5\n" * 1000
    text = b""
    while len(text) < 2.5 * logs.PIECE:
        await store.write(logs.Append(claim, len(text), line))
        text += line
    rows = await rows_of(store, claim.item.id)
    assert rows[:2] == [(0, logs.PIECE, 1), (logs.PIECE, logs.PIECE, 1)]
    assert not any(packed for _, _, packed in rows[2:])
    assert await whole(store, claim.item.id) == text


@pytest.mark.parametrize("size", [1, logs.PIECE - 1, logs.PIECE, logs.PIECE + 1, 3 * logs.PIECE])
@pytest.mark.parametrize("before", [0, 5, logs.PIECE - 1, logs.PIECE])
async def test_a_log_is_the_same_however_it_is_cut(
    store: Store, claim: Claim, before: int, size: int
) -> None:
    text = random.Random(0).randbytes(before) + b"a" * size + b"end"
    for begin, end in ((0, before), (before, before + size), (before + size, len(text))):
        await store.write(logs.Append(claim, begin, text[begin:end]))
    assert await whole(store, claim.item.id) == text
    middle = len(text) // 2
    assert (await read(store, claim.item.id, middle)).data == text[middle : middle + PAGE_MOST]


async def test_a_large_log_is_read_page_by_page(store: Store, claim: Claim) -> None:
    """A gigabyte, of which each page is small."""
    packed = zlib.compress(b"a" * logs.PIECE, 1)
    pieces = 2**30 // logs.PIECE

    async def fill(tx: Tx) -> None:
        of = {"item": claim.item.id, "attempt": 1, "size": logs.PIECE, "data": packed, "packed": 1}
        for number in range(pieces):
            await tx.all("add_log", offset=number * logs.PIECE, **of)

    await store.database.write(fill)
    page = await read(store, claim.item.id, 2**30 - 10)
    assert (page.data, page.size) == (b"a" * 10, 2**30)
    for offset in (0, 2**29 + 1):
        assert len((await read(store, claim.item.id, offset)).data) >= logs.PAGE - logs.PIECE
        assert len((await read(store, claim.item.id, offset)).data) <= PAGE_MOST


async def test_the_ends_of_some_logs_are_read_at_once(store: Store, claim: Claim) -> None:
    await store.write(logs.Append(claim, 0, b"abc"))
    found = await store.database.read(logs.Ends("e", [claim.item.id, "none"]))
    assert found == [logs.LogEnd(claim.item.id, attempt=1, size=3, complete=False)]
