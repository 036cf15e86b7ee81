"""Outputs: what runs tell of themselves, laid over what they told before."""

import json
import math
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from store.conftest import Store

from launchkit.errors import ConfigError, LeaseLost, NotFound, Rejected
from launchkit.model import Claim, ItemState, Json
from launchkit.store import launches, logs, outputs, runs
from launchkit.store.database import Body, Row, Tx


async def tell(store: Store, claim: Claim, told: Json, attempt: int = 1) -> None:
    await store.write(outputs.Tell("e", claim.item.id, attempt, told))


async def told(store: Store, claim: Claim) -> Json:
    return (await store.database.read(launches.Get("e", claim.item.id))).outputs


@pytest.fixture
async def claim(store: Store) -> Claim:
    await store.queue()
    await store.launch()
    return await store.claimed()


async def test_outputs_are_laid_over_those_that_were_told_before(
    store: Store, claim: Claim
) -> None:
    assert await told(store, claim) == {}
    await tell(store, claim, {"loss": 0.5, "of": {"deep": [1, "a\x00b"]}, "gone": 1})
    await tell(store, claim, {"loss": 0.25, "gone": None})
    expected = {"loss": 0.25, "of": {"deep": [1, "a\x00b"]}}
    assert await told(store, claim) == expected
    await store.report(claim, ItemState.FINISHED)
    assert await told(store, claim) == expected


async def test_an_attempt_begins_without_outputs_and_tells_none_once_it_is_over(
    store: Store, claim: Claim
) -> None:
    await tell(store, claim, {"loss": 1})
    await store.report(claim, ItemState.QUEUED, next_attempt=True)
    with pytest.raises(LeaseLost):
        await tell(store, claim, {"loss": 2})
    second = await store.claimed()
    assert await told(store, second) == {}
    with pytest.raises(LeaseLost):
        await tell(store, claim, {"loss": 3}, attempt=1)
    await tell(store, second, {"loss": 4}, attempt=2)
    assert await told(store, second) == {"loss": 4}


async def test_what_is_no_number_is_kept_as_text(store: Store, claim: Claim) -> None:
    await tell(store, claim, {"loss": math.nan, "all": [math.inf, {"a": -math.inf}]})
    assert await told(store, claim) == {"loss": "NaN", "all": ["Infinity", {"a": "-Infinity"}]}


async def test_a_number_of_more_digits_than_anybody_means_is_refused(
    store: Store, claim: Claim
) -> None:
    for number in (10**100, -(10**5000)):
        with pytest.raises(ConfigError, match=r"^outputs\.of\[0\]: must be a number of at most"):
            await tell(store, claim, {"of": [number]})
    assert await told(store, claim) == {}


async def test_as_many_numbers_are_kept_as_their_json_has_room_for(
    store: Store, claim: Claim
) -> None:
    numbers = [10**18] * 3_100
    await tell(store, claim, {"all": numbers})
    assert await told(store, claim) == {"all": numbers}


async def test_what_is_below_a_long_key_is_not_told_with_it_very_often(
    store: Store, claim: Claim
) -> None:
    with pytest.raises(Rejected, match="in the paths to them"):
        await tell(store, claim, {"K" * 32_000: [1] * 10_000})
    assert await told(store, claim) == {}


async def test_too_many_outputs_are_refused_and_those_before_stay(
    store: Store, claim: Claim
) -> None:
    await tell(store, claim, {"a": "x" * (outputs.MAX_BYTES - 100)})
    with pytest.raises(Rejected, match="at most"):
        await tell(store, claim, {"b": "x" * 100})
    assert [*await told(store, claim)] == ["a"]
    assert len(json.dumps(await told(store, claim))) <= outputs.MAX_BYTES


class Seen(Tx):
    """A transaction that keeps the names of the columns that are read."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx.now)
        self._tx = tx
        self.columns: set[str] = set()

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        rows = await self._tx.all(statement, **values)
        self.columns.update(*(dict(row) for row in rows))
        return rows


class ColumnsOf(NamedTuple):
    """The names of what a body reads."""

    body: Body[object]

    async def __call__(self, tx: Tx) -> set[str]:
        seen = Seen(tx)
        await self.body(seen)
        return seen.columns


async def test_what_a_run_asks_reads_nothing_of_the_launch_that_may_be_large_but_its_config(
    store: Store, claim: Claim
) -> None:
    own = claim.item.id
    for body in (outputs.Tell("e", own, 1, {"loss": 1}), logs.Look("e", own, 1, 0)):
        assert not await store.write(ColumnsOf(body)) & {"spec", "resolved"}
    assert "spec" not in await store.write(ColumnsOf(runs.Get("e", own)))


async def test_a_run_sees_its_own_launch_and_no_other(store: Store, claim: Claim) -> None:
    own = claim.item
    seen = await store.database.read(runs.Get("e", own.id))
    assert (seen.item_id, seen.run_id, seen.name) == (own.id, own.run_id, own.name)
    assert (seen.queue, seen.attempt, seen.state) == (own.queue, 1, ItemState.CLAIMED)
    assert (seen.stop_requested, seen.config, seen.outputs) == (False, {}, {})
    with pytest.raises(NotFound, match="there is no launch"):
        await store.database.read(runs.Get("other", own.id))
