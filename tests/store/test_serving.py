"""Why a launch waits is told by the agents of its queue, however much they say of themselves."""

from dataclasses import replace
from typing import Any

import pytest
from store.conftest import LEASE, Store, status

from launchkit.model import QueueItem
from launchkit.store import claims, rules
from launchkit.store.agents import MAX_STATUS
from launchkit.store.database import Tx
from launchkit.store.rows import size_of

MUCH = "very much " * (MAX_STATUS // 40)


@pytest.fixture
async def item(store: Store) -> QueueItem:
    await store.queue()
    return await store.launch()


async def says(store: Store, name: str, **said: Any) -> None:
    await store.write(claims.Beat("e", replace(status(name), **said), {}, LEASE))


async def test_of_what_agents_say_no_more_is_read_than_tells_why_a_launch_waits(
    store: Store, item: QueueItem
) -> None:
    queues = ("q", *(f"queue-{number}" for number in range(500)))
    unable = {"local-process": MUCH, "other": MUCH}
    for name in ("a", "b"):
        await says(store, name, doing=MUCH[:9000], unable=unable, queues=queues)
    await says(store, "elsewhere", doing=MUCH, queues=("other",))

    async def read(tx: Tx) -> list[int]:
        wanted = {"entity": "e", "queue": "q", "resource": "local-process", "since": 0.0}
        return [size_of(row) for row in await tx.all("serving", **wanted, most=100)]

    sizes = await store.database.read(read)
    assert len(sizes) == 2
    assert max(sizes) < 200
    why = str(await store.why(item))
    assert why.startswith("agent a cannot run it: very much very")
    assert "much …; agent b cannot" in why
    assert len(why) < 3 * rules.REASON_CHARACTERS


async def test_of_very_many_agents_the_first_few_tell_why_a_launch_waits(
    store: Store, item: QueueItem
) -> None:
    for number in range(rules.MOST_TOLD + 3):
        await says(store, f"a{number:02}", draining=True)
    why = str(await store.why(item)).split("; ")
    assert len(why) == rules.MOST_TOLD + 1
    assert why[0] == "agent a00 is draining: it claims nothing more"
    assert why[-1] == "and 3 more"


@pytest.mark.parametrize(
    "said",
    [
        {"doing": "a\0b\\u0000"},
        {"queues": ("q\0", "q", 'q"')},
        {"resources": frozenset({"local-process", "\0"})},
        {"unable": {"\0": "\0"}},
        {"max_jobs": 10**400},
    ],
)
async def test_nothing_odd_that_an_agent_says_hides_why_a_launch_waits(
    store: Store, item: QueueItem, said: dict[str, Any]
) -> None:
    await says(store, "a", **said)
    assert await store.why(item) == "an agent is about to claim it"
