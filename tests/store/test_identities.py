"""People whom a provider of identities has proved, in a real database of each kind."""

from dataclasses import replace

import anyio
import pytest
from store.conftest import Store

from launchkit.errors import Unauthenticated
from launchkit.model import ItemState
from launchkit.model.people import Principal, PrincipalKind, TokenFault
from launchkit.store.identities import AdmitBy
from launchkit.store.people import AddAccount, ListAccounts, RemoveAccount
from launchkit.store.sessions import Admit, SignIn
from launchkit.store.tokens import CreateAgentToken, CreateRunToken, CreateToken, Proofs

ANA = AdmitBy(issuer="https://id.example", subject="17", name="ana@example", adds=False, seconds=60)


async def who(store: Store, body: AdmitBy) -> str:
    """Whom the session proves that begins."""
    made = await store.write(body)
    principal = await Proofs(store.database).prove(made.secret)
    assert isinstance(principal, Principal)
    return principal.name


async def test_one_keeps_the_account_of_the_first_time_also_under_a_new_name(store: Store) -> None:
    await store.write(AddAccount("ana@example", PrincipalKind.USER, "ann"))
    assert await who(store, ANA) == "ana@example"
    assert await who(store, replace(ANA, name="ana.b@example")) == "ana@example"


async def test_who_comes_to_bear_the_name_of_another_does_not_get_the_account(store: Store) -> None:
    await store.write(AddAccount("ana@example", PrincipalKind.USER, "ann"))
    await who(store, ANA)
    with pytest.raises(Unauthenticated, match="belongs to somebody else"):
        await store.write(replace(ANA, subject="18"))
    assert await who(store, replace(ANA, issuer="https://other.example")) == "ana@example"


async def test_a_name_that_nobody_vouches_for_finds_no_account_and_hides_none(store: Store) -> None:
    await store.write(AddAccount("ana@example", PrincipalKind.USER, "ann"))
    unproved = replace(ANA, vouched=False, adds=True)
    for name in ("ana@example", "new@example"):
        with pytest.raises(Unauthenticated, match="does not say whether the address"):
            await store.write(replace(unproved, name=name))
    assert [one.name for one in await store.database.read(ListAccounts())] == ["ana@example"]
    await who(store, ANA)
    assert await who(store, replace(unproved, name="other@example")) == "ana@example"


async def test_who_has_no_account_is_told_who_adds_it_or_gets_one(store: Store) -> None:
    with pytest.raises(Unauthenticated, match="no account ana@example") as refused:
        await store.write(ANA)
    assert "launchkit user add ana@example" in str(refused.value.hint)
    assert await who(store, replace(ANA, adds=True)) == "ana@example"
    with pytest.raises(Unauthenticated, match="no account can be added for you: 'no name'"):
        await store.write(replace(ANA, subject="2", name="no name", adds=True))
    assert [one.name for one in await store.database.read(ListAccounts())] == ["ana@example"]


async def test_who_signs_in_many_times_at_once_for_the_first_time_is_signed_in_each_time(
    store: Store,
) -> None:
    names = []

    async def sign_in(name: str) -> None:
        names.append(await who(store, replace(ANA, name=name, subject=name, adds=True)))

    everybody = sorted(f"{number % 5}@example" for number in range(40))
    async with anyio.create_task_group() as tasks:
        for name in everybody:
            tasks.start_soon(sign_in, name)
    assert sorted(names) == everybody


async def test_the_account_of_a_service_is_nobody_s(store: Store) -> None:
    await store.write(AddAccount("ana@example", PrincipalKind.SERVICE, "ann"))
    with pytest.raises(Unauthenticated, match="is a service"):
        await store.write(ANA)


async def test_an_account_that_is_removed_and_added_again_is_free(store: Store) -> None:
    await who(store, replace(ANA, adds=True))
    await store.write(RemoveAccount("ana@example", "ann"))
    await store.write(AddAccount("ana@example", PrincipalKind.USER, "ann"))
    assert await who(store, replace(ANA, subject="18")) == "ana@example"


async def test_who_begins_very_many_sessions_ends_the_oldest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.store.sessions.MOST", 2)
    for name in ("ana", "bob"):
        await store.write(AddAccount(name, PrincipalKind.USER, "ann"))
    own = await store.write(CreateToken("ana", "ann"))
    other = await store.write(Admit("bob", 60))
    begun = []
    for _ in range(3):
        store.clock.now += 1
        begun.append((await store.write(SignIn(own.secret, 60))).secret)
    proofs = Proofs(store.database)
    proved = [await proofs.prove(one) for one in (*begun, own.secret, other.secret)]
    assert proved[0] == TokenFault.UNKNOWN
    assert not any(isinstance(one, TokenFault) for one in proved[1:])


async def test_neither_an_agent_nor_a_run_signs_in(store: Store) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed()
    agent = await store.write(CreateAgentToken("box", "e", ["q"], "ann"))
    run = await store.write(CreateRunToken(claim))
    for made in (agent, run):
        with pytest.raises(Unauthenticated, match="is not one of a person"):
            await store.write(SignIn(made.secret, 60))
    await store.report(claim, ItemState.FINISHED)
    with pytest.raises(Unauthenticated, match=str(TokenFault.ENDED)):
        await store.write(SignIn(run.secret, 60))
