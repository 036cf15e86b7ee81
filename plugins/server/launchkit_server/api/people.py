"""What is of the whole service: entities, and for administrators of all, accounts and tokens."""

from collections.abc import Sequence

from fastapi import APIRouter

from launchkit.model.people import Account, Entity, Grant, Token
from launchkit.store import people, tokens
from launchkit.store.happened import NEWEST, Audit, Audited
from launchkit.wire.people import AccountRequest, TokenAnswer, TokenRequest
from launchkit_server.access import Administrator, Person
from launchkit_server.api.history import Before, Limit

router = APIRouter(tags=["people"])


@router.get("/entities")
async def list_entities(who: Person) -> Sequence[Entity]:
    """The entities in which one has a role, and which."""
    return await who.database.read(people.ListEntities(who.principal))


@router.get("/users")
async def list_users(who: Administrator) -> Sequence[Account]:
    """All users and services, by name."""
    return await who.database.read(people.ListAccounts())


@router.post("/users", status_code=201)
async def add_user(wanted: AccountRequest, who: Administrator) -> Account:
    """Add a user or a service."""
    body = people.AddAccount(wanted.name, wanted.kind, who.name)
    return await who.database.write(body)


@router.delete("/users/{name}", status_code=204)
async def remove_user(name: str, who: Administrator) -> None:
    """Remove a user or a service with its roles, and revoke its tokens."""
    await who.database.write(people.RemoveAccount(name, who.name))


@router.get("/roles")
async def list_roles(who: Administrator) -> Sequence[Grant]:
    """The roles of all, in all entities."""
    return await who.database.read(people.ListGrants())


@router.get("/tokens")
async def list_tokens(who: Administrator) -> Sequence[Token]:
    """All tokens but those of runs; never a secret."""
    return await who.database.read(tokens.ListTokens())


@router.post("/tokens", status_code=201)
async def create_token(wanted: TokenRequest, who: Administrator) -> TokenAnswer:
    """Make a token of a user or a service."""
    body = tokens.CreateToken(wanted.owner, who.name, wanted.expires_at)
    made = await who.database.write(body)
    return TokenAnswer(token=made.token, secret=str.__str__(made.secret))


@router.delete("/tokens/{token_id}")
async def revoke_token(token_id: str, who: Administrator) -> Token:
    """Make a token count no more, at once."""
    return await who.database.write(tokens.RevokeToken(token_id, who.name))


@router.get("/audit")
async def show_audit(
    who: Administrator, before: Before = NEWEST, limit: Limit = 100
) -> Sequence[Audited]:
    """Who changed accounts, roles, tokens, webhooks and agents, newest first."""
    return await who.database.read(Audit(before=before, limit=limit))
