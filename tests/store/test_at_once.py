"""What is taken away and what is begun at the same time, and what many make at once."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel
import pytest
from store.conftest import Store

from launchkit.errors import (
    Conflict,
    Forbidden,
    LaunchkitError,
    NotFound,
    Rejected,
    Unauthenticated,
)
from launchkit.model import QueueSpec
from launchkit.model.people import PrincipalKind, Role, TokenFault
from launchkit.model.webhooks import Happens
from launchkit.store import queues, webhooks
from launchkit.store.database import After, Body, Tx
from launchkit.store.people import AddAccount, GrantRole, ListGrants, RemoveAccount, RevokeRole
from launchkit.store.sessions import Admit, SignIn
from launchkit.store.tokens import CreateToken, ListTokens, NewToken, Proofs, RevokeToken, held_by
from launchkit.store.webhook_key import WebhookKey

ROUNDS = 12
FEWER = 4
AT_ONCE = 8


async def begun_beside(
    store: Store, begin: Callable[[], Body[Any]], end: Body[object]
) -> list[NewToken]:
    """What many begin, while it ends in the midst of them."""
    begun: list[NewToken] = []

    async def once() -> None:
        with suppress(NotFound, Unauthenticated):
            begun.append(await store.write(begin()))

    async with anyio.create_task_group() as tasks:
        for number in range(AT_ONCE):
            tasks.start_soon(once)
            if number == AT_ONCE // 2:
                tasks.start_soon(store.write, end)
    return begun


async def counting(store: Store, made: list[NewToken]) -> list[NewToken]:
    """Those that prove something."""
    proofs = Proofs(store.database)
    return [one for one in made if not isinstance(await proofs.prove(one.secret), TokenFault)]


async def test_no_session_that_begins_while_its_token_is_revoked_outlives_it(store: Store) -> None:
    await store.write(AddAccount("bob", PrincipalKind.USER, "ann"))
    for _ in range(ROUNDS):
        token = await store.write(CreateToken("bob", "ann"))
        revoked = RevokeToken(token.token.id, "ann")
        begun = await begun_beside(store, lambda token=token: SignIn(token.secret, 60), revoked)
        assert not await counting(store, begun)


@pytest.mark.parametrize("begin", [lambda: Admit("bob", 60), lambda: CreateToken("bob", "ann")])
async def test_nothing_that_begins_while_an_account_is_removed_outlives_it(
    store: Store, begin: Callable[[], Body[NewToken]]
) -> None:
    for _ in range(ROUNDS):
        await store.write(AddAccount("bob", PrincipalKind.USER, "ann"))
        begun = await begun_beside(store, begin, RemoveAccount("bob", "ann"))
        assert not await counting(store, begun)


async def test_no_role_that_is_given_while_an_account_is_removed_outlives_it(store: Store) -> None:
    granted = GrantRole("bob", "e", Role.ADMIN, "ann")
    for _ in range(ROUNDS):
        await store.write(AddAccount("bob", PrincipalKind.USER, "ann"))
        await begun_beside(store, lambda: granted, RemoveAccount("bob", "ann"))
        assert not await store.database.read(ListGrants())


async def test_those_who_make_webhooks_at_once_make_no_more_than_there_may_be(
    store: Store,
) -> None:
    key = WebhookKey(b"k" * 32)

    async def make(number: int) -> None:
        await store.write(
            webhooks.Create(
                entity="e",
                name=f"w{number}",
                url="https://example.com",
                events=[Happens.LAUNCH_FINISHED],
                actor="ann",
                key=key,
            )
        )

    await _all_at_once(make, webhooks.MAX_WEBHOOKS + AT_ONCE, Conflict)
    assert len(await store.database.read(webhooks.List("e"))) == webhooks.MAX_WEBHOOKS


async def test_those_who_make_queues_at_once_make_no_more_than_there_may_be(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MOST", 20)

    async def make(number: int) -> None:
        await store.write(
            queues.Create("e", QueueSpec(name=f"q{number}", resource="local-process"), "ann")
        )

    await _all_at_once(make, 20 + AT_ONCE, Rejected)
    assert len(await store.database.read(queues.List("e"))) == 20


async def _all_at_once(
    make: Callable[[int], Awaitable[None]], many: int, refused: type[LaunchkitError]
) -> None:
    async def one(number: int) -> None:
        with suppress(refused):
            await make(number)

    async with anyio.create_task_group() as tasks:
        for number in range(many):
            tasks.start_soon(one, number)


class StillOperator(NamedTuple):
    """A look at a right."""

    secret: str

    async def __call__(self, tx: Tx) -> None:
        found = await held_by(tx, self.secret)
        if isinstance(found, TokenFault) or found.role_in("e") is not Role.OPERATOR:
            raise Forbidden("no operator")


@pytest.mark.parametrize("lost", ["token", "account", "role", "rank"])
async def test_nothing_is_written_for_one_who_has_lost_the_right_once_that_is_answered(
    store: Store, lost: str
) -> None:
    await store.write(AddAccount("ann", PrincipalKind.USER, "ann"))
    for number in range(FEWER):
        name = f"bob{number}"
        await store.write(AddAccount(name, PrincipalKind.USER, "ann"))
        await store.write(GrantRole(name, "e", Role.OPERATOR, "ann"))
        token = await store.write(CreateToken(name, "ann"))
        right = StillOperator(token.secret)
        ends: dict[str, Body[object]] = {
            "token": RevokeToken(token.token.id, "ann"),
            "account": RemoveAccount(name, "ann"),
            "role": RevokeRole(name, "e", "ann"),
            "rank": GrantRole(name, "e", Role.VIEWER, "ann"),
        }
        assert await _made_after(store, right, ends[lost]) == 0


async def _made_after(store: Store, right: Body[object], end: Body[object]) -> int:
    """How many tokens some make as long as they may, once the answer to what ends that is there."""

    async def made() -> int:
        return sum(one.owner == "ann" for one in await store.database.read(ListTokens()))

    async def go_on() -> None:
        with suppress(Forbidden):
            while True:
                await store.write(After(right, CreateToken("ann", "ann")))

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(go_on)
        before = await made()
        while await made() < before + AT_ONCE:
            await anyio.lowlevel.checkpoint()
        await store.write(end)
        at_the_answer = await made()
    return await made() - at_the_answer
