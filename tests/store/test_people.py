"""Accounts, roles and tokens in a real database of each kind."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from store.conftest import Store

from launchkit.errors import ConfigError, Conflict, LeaseLost, NotFound
from launchkit.model import ItemState
from launchkit.model.people import Permission, Principal, PrincipalKind, Role, TokenFault, may
from launchkit.store import tokens
from launchkit.store.backup import back_up, restore
from launchkit.store.copy import move
from launchkit.store.database import Row, Tx
from launchkit.store.opening import database_of
from launchkit.store.people import (
    AddAccount,
    GrantRole,
    ListAccounts,
    ListGrants,
    RemoveAccount,
    RevokeRole,
)
from launchkit.store.tokens import (
    CreateAgentToken,
    CreateRunToken,
    CreateToken,
    FirstAdministrator,
    ListTokens,
    NewToken,
    Proofs,
    RevokeToken,
    fingerprint,
)


async def token(store: Store, name: str = "bob", expires_at: float | None = None) -> NewToken:
    await store.write(AddAccount(name, PrincipalKind.USER, "ann"))
    return await store.write(CreateToken(name, "ann", expires_at))


async def proved(store: Store, secret: str) -> Principal:
    principal = await Proofs(store.database).prove(secret)
    assert isinstance(principal, Principal)
    return principal


async def test_a_token_proves_its_owner_with_the_roles_of_now(store: Store) -> None:
    made = await token(store)
    assert not may(await proved(store, made.secret), Permission.READ, "e")
    await store.write(GrantRole("bob", "e", Role.SUBMITTER, "ann"))
    bob = await proved(store, made.secret)
    assert (bob.name, bob.kind) == ("bob", PrincipalKind.USER)
    assert may(bob, Permission.SUBMIT, "e")
    await store.write(RevokeRole("bob", "e", "ann"))
    assert not may(await proved(store, made.secret), Permission.READ, "e")


async def test_the_secret_is_stored_nowhere_and_does_not_print_itself(store: Store) -> None:
    made = await token(store)
    assert made.secret.startswith("lk_u")
    assert len(made.secret) == 47
    assert made.secret not in repr(made)

    async def rows(tx: Tx) -> str:
        found = [*await tx.all("tokens_of_digests", digests=f'["{fingerprint(made.secret)}"]')]
        found += await tx.all("audit", limit=100)
        return str([dict(row) for row in found])

    stored = await store.database.read(rows)
    assert fingerprint(made.secret) in stored
    assert made.secret not in stored


@pytest.mark.parametrize("secret", ["", "lk_u", "lk_u" + "0" * 43, "x" * 100_000, "\ud800"])
async def test_what_is_no_token_is_not_known(store: Store, secret: str) -> None:
    await token(store)
    assert await Proofs(store.database).prove(secret) is TokenFault.UNKNOWN


async def test_tokens_that_come_together_are_each_proved_for_themselves(store: Store) -> None:
    made = [await token(store, name) for name in ("ann", "bob", "eve")]
    await store.write(RevokeToken(made[2].token.id, "ann"))
    proofs = Proofs(store.database)
    answers: dict[str, Principal | TokenFault] = {}

    async def prove(name: str, secret: str) -> None:
        answers[name] = await proofs.prove(secret)

    async with anyio.create_task_group() as tasks:
        for name, one in zip(("ann", "bob", "eve"), made, strict=True):
            for number in range(5):
                tasks.start_soon(prove, f"{name}-{number}", one.secret)
        tasks.start_soon(prove, "nobody", "lk_unone")
    assert answers.pop("nobody") is TokenFault.UNKNOWN
    told = {name: one.name if isinstance(one, Principal) else one for name, one in answers.items()}
    owners = {"ann": "ann", "bob": "bob", "eve": TokenFault.REVOKED}
    assert told == {f"{name}-{n}": owner for name, owner in owners.items() for n in range(5)}


async def test_who_gives_up_while_a_token_is_looked_up_leaves_the_others_their_answer(
    store: Store,
) -> None:
    made = await token(store)
    proofs = Proofs(store.database)
    answers: list[Principal | TokenFault] = []

    async def prove() -> None:
        answers.append(await proofs.prove(made.secret))

    async with anyio.create_task_group() as tasks:
        impatient = anyio.CancelScope()

        async def give_up() -> None:
            with impatient:
                await proofs.prove(made.secret)

        tasks.start_soon(give_up)
        await anyio.lowlevel.checkpoint()
        for _ in range(3):
            tasks.start_soon(prove)
        await anyio.lowlevel.checkpoint()
        impatient.cancel()
    assert [one.name for one in answers if isinstance(one, Principal)] == ["bob"] * 3


async def test_a_token_counts_until_it_expires(store: Store) -> None:
    made = await token(store, expires_at=store.clock.now + 10)
    store.clock.now += 9.9
    await proved(store, made.secret)
    store.clock.now += 0.1
    assert await Proofs(store.database).prove(made.secret) is TokenFault.EXPIRED


async def test_a_revoked_token_counts_no_more_and_others_do(store: Store) -> None:
    made = await token(store)
    other = await store.write(CreateToken("bob", "ann"))
    revoked = await store.write(RevokeToken(made.token.id, "ann"))
    assert await store.write(RevokeToken(made.token.id, "ann")) == revoked
    assert await Proofs(store.database).prove(made.secret) is TokenFault.REVOKED
    await proved(store, other.secret)


async def test_a_token_that_is_not_there_cannot_be_revoked(store: Store) -> None:
    with pytest.raises(NotFound, match="no token 00"):
        await store.write(RevokeToken("00", "ann"))


async def test_the_last_use_is_noted_once_a_minute(store: Store) -> None:
    made = await token(store)
    start = store.clock.now
    for seconds, noted in ((0, 0), (59, 0), (60, 60), (61, 60)):
        store.clock.now = start + seconds
        await proved(store, made.secret)
        [found] = await store.database.read(ListTokens())
        assert found.used_at == start + noted


async def test_a_removed_account_that_is_added_again_has_nothing_of_the_old(store: Store) -> None:
    made = await token(store)
    await store.write(GrantRole("bob", "e", Role.ADMIN, "ann"))
    await store.write(RemoveAccount("bob", "ann"))
    await store.write(AddAccount("bob", PrincipalKind.USER, "ann"))
    assert await Proofs(store.database).prove(made.secret) is TokenFault.REVOKED
    assert await store.database.read(ListGrants()) == []


async def test_an_account_has_one_role_in_an_entity(store: Store) -> None:
    await token(store)
    await store.write(GrantRole("bob", "e", Role.ADMIN, "ann"))
    viewer = await store.write(GrantRole("bob", "e", Role.VIEWER, "ann"))
    assert await store.database.read(ListGrants()) == [viewer]


async def test_what_is_not_there_is_told(store: Store) -> None:
    for body in (
        RemoveAccount("bob", "ann"),
        GrantRole("bob", "e", Role.ADMIN, "ann"),
        RevokeRole("bob", "e", "ann"),
        CreateToken("bob", "ann"),
    ):
        with pytest.raises(NotFound, match="bob"):
            await store.write(body)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "agent:a", "a b", "-a", "a" * 129, "ä"])
async def test_a_name_that_could_be_mistaken_is_refused(store: Store, name: str) -> None:
    with pytest.raises(ConfigError, match="is no name"):
        await store.write(AddAccount(name, PrincipalKind.USER, "ann"))


async def test_a_name_is_given_once(store: Store) -> None:
    await token(store)
    with pytest.raises(Conflict, match="bob already"):
        await store.write(AddAccount("bob", PrincipalKind.SERVICE, "ann"))
    assert [one.kind for one in await store.database.read(ListAccounts())] == [PrincipalKind.USER]


async def test_an_agent_is_bound_to_queues_that_are_there(store: Store) -> None:
    await store.queue("q")
    with pytest.raises(NotFound):
        await store.write(CreateAgentToken("gpu", "e", ["q", "none"], "ann"))
    made = await store.write(CreateAgentToken("gpu", "e", ["q"], "ann"))
    agent = await proved(store, made.secret)
    assert agent.name == "agent:gpu"
    assert may(agent, Permission.AGENT, "e", "q")
    assert not may(agent, Permission.AGENT, "e", "other")


async def test_all_tokens_of_an_agent_are_for_the_same_queues(store: Store) -> None:
    for name in ("q", "other"):
        await store.queue(name)
    first = await store.write(CreateAgentToken("gpu", "e", ["q"], "ann"))
    with pytest.raises(Conflict, match=f"for other queues, {first.token.id}: q") as refused:
        await store.write(CreateAgentToken("gpu", "e", ["q", "other"], "ann"))
    assert f"launchkit token revoke {first.token.id}" in str(refused.value.hint)
    next_one = await store.write(CreateAgentToken("gpu", "e", ["q", "q"], "ann"))
    await store.write(CreateAgentToken("gpu-2", "e", ["other"], "ann"))
    for one in (first, next_one):
        await store.write(RevokeToken(one.token.id, "ann"))
    wider = await store.write(CreateAgentToken("gpu", "e", ["q", "other"], "ann"))
    assert wider.token.queues == ("other", "q")


class Asked(Tx):
    """A transaction that keeps what it was asked."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx.now)
        self._tx = tx
        self.statements: list[str] = []

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        self.statements.append(statement)
        return await self._tx.all(statement, **values)


async def test_a_queue_of_an_agents_token_is_looked_up_once_however_often_it_is_named(
    store: Store,
) -> None:
    await store.queue()

    async def asked(tx: Tx) -> int:
        seen = Asked(tx)
        await CreateAgentToken("gpu", "e", ["q"] * 50, "ann")(seen)
        return seen.statements.count("queue_named")

    assert await store.write(asked) == 1


async def test_an_agent_has_only_so_many_tokens_that_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_OF_AN_AGENT", 2)
    await store.queue()
    first, _ = [await store.write(CreateAgentToken("gpu", "e", ["q"], "ann")) for _ in range(2)]
    with pytest.raises(Conflict, match="agent gpu has 2 tokens that count, and may have 2"):
        await store.write(CreateAgentToken("gpu", "e", ["q"], "ann"))
    await store.write(RevokeToken(first.token.id, "ann"))
    await store.write(CreateAgentToken("gpu", "e", ["q"], "ann"))


async def test_a_token_of_an_agent_that_has_expired_binds_its_name_to_no_queue(
    store: Store,
) -> None:
    for name in ("q", "other"):
        await store.queue(name)
    await store.write(CreateAgentToken("gpu", "e", ["q"], "ann", expires_at=1.0))
    made = await store.write(CreateAgentToken("gpu", "e", ["other"], "ann"))
    assert made.token.queues == ("other",)


async def test_of_two_tokens_of_an_agent_for_different_queues_made_at_once_there_is_one(
    store: Store,
) -> None:
    names = [f"q{n}" for n in range(4)]
    for name in names:
        await store.queue(name)
    refused: list[Conflict] = []

    async def make(queue: str) -> None:
        try:
            await store.write(CreateAgentToken("gpu", "e", [queue], "ann"))
        except Conflict as exc:
            refused.append(exc)

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(make, name)
    assert len(refused) == len(names) - 1
    assert len(await store.database.read(ListTokens())) == 1


async def test_the_token_of_a_run_ends_with_its_attempt(store: Store) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed()
    made = await store.write(CreateRunToken(claim))
    run = await proved(store, made.secret)
    assert may(run, Permission.RUN, "e", item=claim.item.id)
    await store.report(claim, ItemState.FINISHED)
    assert await Proofs(store.database).prove(made.secret) is TokenFault.ENDED
    with pytest.raises(LeaseLost):
        await store.write(CreateRunToken(claim))


async def test_the_token_of_a_run_does_not_count_for_the_next_attempt(store: Store) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed()
    made = await store.write(CreateRunToken(claim))
    await store.report(claim, ItemState.QUEUED, next_attempt=True)
    assert await Proofs(store.database).prove(made.secret) is TokenFault.ENDED
    await store.claimed()
    assert await Proofs(store.database).prove(made.secret) is TokenFault.ENDED


async def test_tokens_of_ended_runs_are_removed(store: Store) -> None:
    await store.queue()
    await store.launch("one")
    await store.launch("two")
    first, second = await store.claimed(), await store.claimed()
    made = await store.write(CreateRunToken(first))
    await store.report(first, ItemState.FINISHED)
    await store.write(CreateRunToken(second))
    assert await Proofs(store.database).prove(made.secret) is TokenFault.UNKNOWN


async def test_of_servers_that_start_at_once_one_makes_the_administrator(
    store: Store, url: str
) -> None:
    other = database_of(url, store.clock)
    made = []

    async def start(number: int) -> None:
        database = (store.database, other)[number % 2]
        made.append(await database.write(FirstAdministrator()))

    async with other.opened(), anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(start, number)
    [first] = [one for one in made if one]
    admin = await proved(store, first.secret)
    assert may(admin, Permission.ADMINISTER, "any")


async def test_there_is_no_second_first_administrator(store: Store) -> None:
    assert await store.write(FirstAdministrator())
    await store.write(RemoveAccount("admin", "ann"))
    assert await store.write(FirstAdministrator()) is None


async def test_a_backup_has_the_people_and_their_tokens(tmp_path: Path) -> None:
    path, target = tmp_path / "q.db", tmp_path / "backup.db"
    first = await founded(path)
    await anyio.to_thread.run_sync(back_up, path, target)
    await anyio.to_thread.run_sync(path.unlink)
    await anyio.to_thread.run_sync(restore, path, target)
    assert await is_administrator(f"sqlite:///{path}", first.secret)


async def test_people_move_with_their_queues_to_postgresql(
    tmp_path: Path, postgres_url: str
) -> None:
    first = await founded(tmp_path / "q.db")
    counts = await move(tmp_path / "q.db", postgres_url)
    assert {counts[table] for table in ("principal", "role_grant", "token", "founding")} == {1}
    assert await is_administrator(postgres_url, first.secret)


async def test_nothing_moves_where_there_are_people_already(
    tmp_path: Path, postgres_url: str
) -> None:
    await founded(tmp_path / "q.db")
    database = database_of(postgres_url)
    async with database.opened():
        await database.write(FirstAdministrator())
    with pytest.raises(Conflict, match="not empty"):
        await move(tmp_path / "q.db", postgres_url)


async def founded(path: Path) -> NewToken:
    database = database_of(f"sqlite:///{path}")
    async with database.opened():
        first = await database.write(FirstAdministrator())
    assert first is not None
    return first


async def is_administrator(url: str, secret: str) -> bool:
    database = database_of(url)
    async with database.opened():
        principal = await Proofs(database).prove(secret)
        second = await database.write(FirstAdministrator())
    assert isinstance(principal, Principal)
    return second is None and may(principal, Permission.ADMINISTER, "any")
