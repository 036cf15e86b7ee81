"""Outputs: what runs tell of themselves, laid over what they told before."""

import json
import math

import pytest
from store.conftest import Store

from launchkit.errors import LeaseLost, Rejected
from launchkit.model import Claim, ItemState, Json
from launchkit.store import launches, outputs


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


async def test_too_many_outputs_are_refused_and_those_before_stay(
    store: Store, claim: Claim
) -> None:
    await tell(store, claim, {"a": "x" * (outputs.MAX_BYTES - 100)})
    with pytest.raises(Rejected, match="at most"):
        await tell(store, claim, {"b": "x" * 100})
    assert [*await told(store, claim)] == ["a"]
    assert len(json.dumps(await told(store, claim))) <= outputs.MAX_BYTES
