"""The agents that are known: only so many, however many names a token is good for."""

from dataclasses import replace

import pytest
from store.conftest import LEASE, Clock, Store, status

from launchkit.abc import PauseAgent, ResumeAgent
from launchkit.errors import ConfigError, Conflict, NotFound
from launchkit.plain_text import MESSAGE_CHARACTERS
from launchkit.store import agent_changes, agent_room, agents, claims, tokens
from launchkit.store.queues import MOST_OF_A_REASON
from launchkit.store.tokens import CreateAgentToken, RevokeToken

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
    for name in ("box-own-1", "other"):
        await beat(store, clock, name)
    for number in range(MANY):
        await beat(store, clock, f"box-{number}")
    for number in range(MANY):
        clock.now += 1
        await store.write(agents.Register("e", status(f"box-r{number}"), "s"))
    mine = [f"box-r{number}" for number in range(MANY - 2, MANY)]
    assert await known(store) == sorted([*mine, "box-own-1", "other"])
    await beat(store, clock, "box-own-2")
    await beat(store, clock, "box-own-3")
    assert await known(store) == ["box-own-3", *mine, "other"]


async def test_who_says_much_of_itself_takes_no_room_of_those_that_say_less(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    for name in ("a", "b", "c"):
        await store.write(CreateAgentToken(name, "e", ["q"], "ann"))
        await beat(store, clock, name)
    with pytest.raises(ConfigError, match="may say less of itself"):
        await beat(store, clock, "a", doing="x" * 3 * agent_room.LEAST)
    assert await known(store) == ["a", "b", "c"]
    await beat(store, clock, "a", doing="x" * (agent_room.LEAST + 100))
    assert await known(store) == ["a", "b", "c"]


async def test_of_those_that_say_as_much_the_one_seen_longest_ago_makes_room(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    for name in ("a", "b", "c", "d", "e"):
        await store.write(CreateAgentToken(name, "e", ["q"], "ann"))
        await beat(store, clock, name)
    assert await known(store) == ["b", "c", "d", "e"]


async def test_one_that_is_back_is_not_forgotten_as_one_that_left(
    store: Store, clock: Clock
) -> None:
    await store.write(agents.Register("e", status("a"), "s"))
    await store.write(agents.Forget("e", "a", dead=False, session="s"))
    await beat(store, clock, "a")
    await store.write(agents.Register("e", status("b"), "s"))
    assert await known(store) == ["a", "b"]


async def test_what_agents_say_in_one_entity_takes_no_room_in_another(
    store: Store, clock: Clock
) -> None:
    for number in range(4):
        await beat(store, clock, f"a{number}")
        said = replace(status(f"b{number}"), entity="other")
        await store.write(claims.Beat("other", said, {}, LEASE))
    assert await known(store) == ["a0", "a1", "a2", "a3"]


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


async def test_only_so_many_agents_are_paused_and_none_of_them_says_more_than_there_is_room_for(
    store: Store, clock: Clock
) -> None:
    pause = PauseAgent(reason="new driver")
    for name in ("a", "b", "c", "d"):
        await beat(store, clock, name)
        await store.write(agent_changes.Make("e", name, pause, "bob"))
    await beat(store, clock, "e")
    with pytest.raises(Conflict, match="has no room among the paused ones"):
        await store.write(agent_changes.Make("e", "e", pause, "bob"))
    with pytest.raises(Conflict, match="has no room among the paused ones"):
        await beat(store, clock, "a", doing="x" * agent_room.LEAST)
    await store.write(agent_changes.Make("e", "d", ResumeAgent(), "bob"))
    await store.write(agent_changes.Make("e", "e", pause, "bob"))
    assert await known(store) == ["a", "b", "c", "d", "e"]


async def test_the_reason_of_a_pause_of_an_agent_is_kept_up_to_a_length(
    store: Store, clock: Clock
) -> None:
    await beat(store, clock, "a")
    pause = PauseAgent(reason="see https://ann:hush@h/ " + "very long " * 1000)
    for _ in range(2):
        clock.now += 1
        await store.write(agent_changes.Make("e", "a", pause, "bob"))
    [view] = await store.database.read(agents.List("e"))
    assert view.pause
    assert len(view.pause.reason) <= MOST_OF_A_REASON
    assert view.pause.reason.startswith("see https://…@h/ very")
    assert view.pause.at == clock.now - 1


async def test_only_so_many_names_of_agents_have_tokens_in_an_entity(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_AGENTS", 2)
    await store.queue()
    made = [await store.write(CreateAgentToken(name, "e", ["q"], "ann")) for name in ("a", "b")]
    with pytest.raises(Conflict, match="2 others have tokens for e, and 2 may"):
        await store.write(CreateAgentToken("c", "e", ["q"], "ann"))
    await store.write(CreateAgentToken("a", "e", ["q"], "ann"))
    await store.write(RevokeToken(made[1].token.id, "ann"))
    await store.write(CreateAgentToken("c", "e", ["q"], "ann"))


async def test_where_no_agent_has_a_name_only_so_many_others_are_named(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_room, "ROOM", 30 * agent_room.LEAST)
    for number in range(30):
        await beat(store, clock, f"{'a' * 120}-{number}")
    with pytest.raises(NotFound) as caught:
        await store.write(agent_changes.Make("e", "z", ResumeAgent(), "bob"))
    assert len(str(caught.value)) < MESSAGE_CHARACTERS + 200
