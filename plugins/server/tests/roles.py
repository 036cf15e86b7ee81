"""An entity with a token for each role, an agent's, a run's, and some that count no more."""

from launchkit.abc import LaunchRequest
from launchkit.model import QueueSpec, Secret
from launchkit.model.people import EVERYWHERE, PrincipalKind, Role
from launchkit.store import claims, queues, submitting
from launchkit.store.database import Database
from launchkit.store.opening import database_of
from launchkit.store.people import AddAccount, GrantRole
from launchkit.store.tokens import (
    CreateAgentToken,
    CreateRunToken,
    CreateToken,
    NewToken,
    RevokeToken,
)
from launchkit.testing import VirtualClock, make_capacity, make_spec


def bearer(token: str) -> dict[str, str]:
    """The header with which somebody shows a token."""
    return {"Authorization": f"Bearer {str.__str__(token)}"}


async def account(database: Database, role: Role, entity: str) -> NewToken:
    """Somebody new with a role, and a token of theirs."""
    name = f"{role}-{'all' if entity == EVERYWHERE else entity}"
    await database.write(AddAccount(name, PrincipalKind.USER, "test"))
    await database.write(GrantRole(name, entity, role, "test"))
    return await database.write(CreateToken(name, "test", expires_at=2_000_000_000.0))


async def tokens_of(database: Database) -> dict[str, Secret]:
    """A token for each role, by its name, in an entity with two queues."""
    for name in ("q", "other"):
        spec = QueueSpec(name=name, resource="local-process")
        await database.write(queues.Create("test", spec, "test"))
    made = {str(role): (await account(database, role, "test")).secret for role in Role}
    made["root"] = (await account(database, Role.ADMIN, EVERYWHERE)).secret
    made["elsewhere"] = (await account(database, Role.ADMIN, "elsewhere")).secret
    gone = await database.write(CreateToken("admin-test", "test"))
    await database.write(RevokeToken(gone.token.id, "test"))
    over = await database.write(CreateToken("admin-test", "test", expires_at=1.0))
    made |= {"revoked": gone.secret, "expired": over.secret}
    for name, queue in (("box", "q"), ("box-own", "other"), ("box-gone", "other")):
        agent = await database.write(CreateAgentToken(name, "test", [queue], "test"))
        made["agent" if name == "box" else name] = agent.secret
    await database.write(RevokeToken(agent.token.id, "test"))
    return {**made, **await run_of(database)}


async def run_of(database: Database) -> dict[str, Secret]:
    """The token of a run, and beside it the id of the item that it is bound to."""
    request = LaunchRequest(spec=make_spec(), actor="ann")
    await database.write(submitting.Launch("test", "q", request))
    held = await database.write(claims.Take("test", "q", make_capacity(), 60.0))
    assert held is not None
    token = await database.write(CreateRunToken(held))
    return {"run": token.secret, "item": Secret(held.item.id)}


async def made_for_roles(url: str) -> dict[str, Secret]:
    """Makes them in the database of *url*."""
    database = database_of(url, VirtualClock())
    async with database.opened():
        return await tokens_of(database)
