"""The agents that are known: only so many, however many names a token is good for."""

from dataclasses import replace

import pytest
from store.conftest import LEASE, Clock, Store, status

from launchkit.abc import PauseAgent
from launchkit.store import agent_changes, agent_room, agents, claims
from launchkit.store.tokens import CreateAgentToken

MANY = 6


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for four agents."""
    monkeypatch.setattr(agent_room, "ROOM", 4 * agent_room.LEAST)


async def beat(store: Store, clock: Clock, name: str, doing: str = "") -> None:
    clock.now += 1
    said = replace(status(name), doing=doing)
    await store.write(claims.Beat("e", said, {}, LEASE))


async def known(store: Store) -> list[str]:
    return [view.status.name for view in await store.database.read(agents.List("e"))]


async def test_of_the_agents_of_one_token_those_seen_last_are_known(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    for owner in ("box", "box-own"):
        await store.write(CreateAgentToken(owner, "e", ["q"], "ann"))
    for name in ("box-own", "box-own-1", "boxer", "other"):
        await beat(store, clock, name)
    for number in range(MANY):
        await beat(store, clock, f"box-{number}")
    for number in range(MANY):
        clock.now += 1
        await store.write(agents.Register("e", status(f"box-r{number}"), "s"))
    mine = [f"box-r{number}" for number in range(MANY - 4, MANY)]
    assert await known(store) == sorted([*mine, "box-own", "box-own-1", "boxer", "other"])


async def test_who_says_much_of_itself_leaves_less_room(store: Store, clock: Clock) -> None:
    for name in ("a", "b", "c", "d"):
        await beat(store, clock, name)
    await beat(store, clock, "d", doing="x" * 2 * agent_room.LEAST)
    assert await known(store) == ["c", "d"]
    for _ in range(2):
        await beat(store, clock, "d", doing="x")
        await beat(store, clock, "c")
    await beat(store, clock, "e")
    assert await known(store) == ["c", "d", "e"]


async def test_a_paused_agent_stays_known(store: Store, clock: Clock) -> None:
    await beat(store, clock, "a")
    pause = PauseAgent(reason="new driver")
    await store.write(agent_changes.Make("e", "a", pause, "bob"))
    for number in range(MANY):
        await beat(store, clock, f"b{number}")
    assert await known(store) == ["a", "b2", "b3", "b4", "b5"]
